//! Client certificates, as a trusted proxy tells of them that has ended the TLS connection. Must not be asked about
//! what anybody else sends.

use crate::http::{name::is_name, transaction::Head};

/// Longest value that is looked at, bytes.
const BYTES: usize = 16 << 10;

/// What of a certificate says who it is, and what is the certificate itself, if both are told.
pub(super) fn certificate(head: Head<'_>) -> Option<(&[u8], &[u8])> {
    head.fields().find_map(|field| {
        let value = field.value.get(..BYTES).unwrap_or(field.value);
        if is_name(field.name, b"x-forwarded-client-cert") {
            envoy(value)
        } else if is_name(field.name, b"client-cert") {
            // The certificate in base64 between colons (RFC 9440 section 2.1): it is who it is.
            let certificate = value.strip_prefix(b":")?.strip_suffix(b":")?;
            (!certificate.is_empty()).then_some((certificate, certificate))
        } else if is_name(field.name, b"x-ssl-client-s-dn") || is_name(field.name, b"ssl-client-subject-dn") {
            (!value.is_empty()).then_some((value, value))
        } else {
            None
        }
    })
}

/// Envoy's list of `Key=value;Key="value"`, one element for each proxy on the way; the last is of whom the last proxy
/// heard. URI (a SPIFFE id, mostly) says more than Subject, and that more than Hash.
fn envoy(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let last = split(value, b',').last()?;
    let (mut who, mut hash) = ((0, &b""[..]), &b""[..]);
    for pair in split(last, b';').take(16) {
        let Some((name, value)) = memchr::memchr(b'=', pair).and_then(|at| pair.split_at_checked(at)) else {
            continue;
        };
        let value = value.get(1..).unwrap_or_default();
        let value = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""))
            .unwrap_or(value);
        let rank = match name.trim_ascii() {
            name if name.eq_ignore_ascii_case(b"uri") => 3,
            name if name.eq_ignore_ascii_case(b"subject") => 2,
            name if name.eq_ignore_ascii_case(b"hash") => 1,
            _ => 0,
        };
        if rank == 1 {
            hash = value;
        }
        if rank > who.0 && !value.is_empty() {
            who = (rank, value);
        }
    }
    let (rank, who) = who;
    (rank > 0).then_some((who, if hash.is_empty() { who } else { hash }))
}

/// The parts of a text between separators that do not stand in quotes.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |byte| {
        quoted ^= *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        *byte == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::transaction::{HeadBuf, Version};

    fn who(name: &str, value: &str) -> Option<(String, String)> {
        let head = HeadBuf::new(Version::Http11, &[("Host", "x"), (name, value)]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        certificate(head.as_head()).map(|(who, proof)| (text(who), text(proof)))
    }

    #[test]
    fn headers_of_proxies() {
        let both = |who: &str, proof: &str| Some((who.to_owned(), proof.to_owned()));
        for (name, value, expected) in [
            (
                "X-Forwarded-Client-Cert",
                "By=spiffe://a;Hash=468e;Subject=\"CN=b,O=\\\"c;d\\\"\";URI=spiffe://b",
                both("spiffe://b", "468e"),
            ),
            (
                "x-forwarded-client-cert",
                "Hash=1;URI=a,Hash=2;Subject=\"CN=x,OU=y\"",
                both("CN=x,OU=y", "2"),
            ),
            ("x-forwarded-client-cert", "Hash=2", both("2", "2")),
            ("x-forwarded-client-cert", "By=a;Chain=b", None),
            ("x-forwarded-client-cert", "", None),
            ("x-forwarded-client-cert", "\"open;Hash=2", None),
            ("Client-Cert", ":MIIB:", both("MIIB", "MIIB")),
            ("Client-Cert", "MIIB", None),
            ("Client-Cert", "::", None),
            ("ssl-client-subject-dn", "CN=x", both("CN=x", "CN=x")),
            ("Host", "x", None),
        ] {
            assert_eq!(who(name, value), expected, "{name}: {value}");
        }
    }
}

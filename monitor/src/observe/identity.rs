//! Who a request's credential says it is, as a keyed fingerprint. Must not know about endpoints.
//!
//! Each kind of credential is one function in `KINDS`, tried in order; the first that finds something wins. A new
//! kind (API key header, cookie, Basic user) is one more function there and one more [`PrincipalKind`].

use std::{fmt, hash::Hasher as _};

use siphasher::{
    sip::SipHasher13,
    sip128::{Hasher128 as _, SipHasher24},
};

use super::{Fingerprint, PrincipalKind};
use crate::http::transaction::Head;

/// The secret of this installation, from which fingerprints are made. Never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InstallKey(pub [u8; 16]);

impl fmt::Debug for InstallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallKey(..)")
    }
}

impl InstallKey {
    /// SipHash-2-4 with 128 bits of output, of `bytes` in the name space `kind`: equal secrets of different kinds have
    /// different fingerprints.
    pub fn fingerprint(&self, kind: PrincipalKind, bytes: &[u8]) -> Fingerprint {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(&[kind as u8]);
        hasher.write(bytes);
        Fingerprint(hasher.finish128().as_bytes())
    }

    /// Of a credential, whatever kind it is: a token is known again where it is handed out, leaked or used.
    pub fn credential(&self, secret: &[u8]) -> Fingerprint {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(&[u8::MAX]);
        hasher.write(secret);
        Fingerprint(hasher.finish128().as_bytes())
    }

    /// Keyed 64-bit hash (SipHash-1-3) for table keys: nobody outside can make two values collide.
    pub fn hash(&self, space: u8, bytes: &[u8]) -> u64 {
        let (low, high) = self.halves();
        let mut hasher = SipHasher13::new_with_keys(low, high);
        // In one piece where it is short, as it nearly always is: half the work.
        let mut message = [space; SHORT];
        if let Some(room) = message.get_mut(1..=bytes.len()) {
            room.copy_from_slice(bytes);
            return hasher.hash(message.get(..=bytes.len()).unwrap_or_default());
        }
        hasher.write(&[space]);
        hasher.write(bytes);
        hasher.finish()
    }

    /// The key as two words.
    fn halves(&self) -> (u64, u64) {
        let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        (word(self.0.first_chunk()), word(self.0.last_chunk()))
    }
}

/// Bytes that are hashed in one piece, with that of the name space.
const SHORT: usize = 64;

/// Name spaces of [`InstallKey::hash`].
pub mod space {
    /// Object ids.
    pub const OBJECT: u8 = 1;
    /// Source addresses.
    pub const SOURCE: u8 = 2;
    /// Names of query parameters.
    pub const PARAMETER: u8 = 4;
    /// Paths of fields of bodies.
    pub const BODY_PATH: u8 = 5;
}

/// Reads one kind of credential from a request head.
type Reader = for<'a> fn(Head<'a>) -> Option<(PrincipalKind, &'a [u8])>;

/// The kinds of credential, most specific first.
const KINDS: &[Reader] = &[bearer];

/// The credential of a head: what of it says who asks.
pub(super) fn credential(head: Head<'_>) -> Option<(PrincipalKind, &[u8])> {
    KINDS.iter().find_map(|read| read(head))
}

/// `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). The scheme has no letter case (RFC 9110 section 11.1).
fn bearer(head: Head<'_>) -> Option<(PrincipalKind, &[u8])> {
    let value = head.get("authorization")?;
    let (scheme, rest) = value.split_at_checked(6)?;
    let token = rest.trim_ascii();
    let separated = rest.first().is_some_and(u8::is_ascii_whitespace);
    (scheme.eq_ignore_ascii_case(b"bearer") && separated && !token.is_empty())
        .then_some((PrincipalKind::Bearer, token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::transaction::{HeadBuf, Version};

    const KEY: InstallKey = InstallKey([7; 16]);

    fn of(value: &str) -> Option<Fingerprint> {
        let head = HeadBuf::new(Version::Http11, &[("AUTHORIZATION", value)]);
        let (kind, secret) = credential(head.as_head())?;
        Some(KEY.fingerprint(kind, secret))
    }

    /// In one piece or in two: the same function, as its authors give it (the SipHash-1-3 of what stands behind one
    /// another).
    #[test]
    fn the_hash_does_not_depend_on_the_length() {
        for len in 0..3 * SHORT {
            let text: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let mut whole = vec![7];
            whole.extend_from_slice(&text);
            let expected = SipHasher13::new_with_key(&KEY.0).hash(&whole);
            assert_eq!(KEY.hash(7, &text), expected, "{len}");
        }
    }

    #[test]
    fn scheme_has_no_letter_case_and_the_token_has() {
        let fingerprint = of("Bearer abc").unwrap();
        assert_eq!(of("bEARER   abc "), Some(fingerprint));
        assert_ne!(of("Bearer ABC"), Some(fingerprint));
    }

    #[test]
    fn what_is_no_bearer_token_is_nobody() {
        for value in [
            "Bearer",
            "Bearer  ",
            "Bearerabc",
            "Basic abc",
            "",
            "B\u{e9}arer abc",
        ] {
            assert_eq!(of(value), None, "{value:?}");
        }
    }

    #[test]
    fn the_key_decides_and_is_not_shown() {
        let other = InstallKey([8; 16]);
        assert_ne!(
            KEY.fingerprint(PrincipalKind::Bearer, b"abc"),
            other.fingerprint(PrincipalKind::Bearer, b"abc")
        );
        assert_eq!(format!("{KEY:?}"), "InstallKey(..)");
    }
}

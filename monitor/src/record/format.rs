//! One observation as bytes: postcard behind a length. Must not know about files.

use crate::observe::Observation;

/// The first bytes of a file. The number is raised when an observation has other fields: an older file is then not
/// read.
pub(super) const MAGIC: &[u8; 12] = b"apimonrec\x005\n";
/// Longest record, bytes. Larger ones are left out, and counted.
pub(super) const RECORD_BYTES: usize = 64 << 10;
/// Bytes of the length before a record.
pub(super) const LENGTH_BYTES: usize = 4;
/// Longest name of a parameter, bytes.
const NAME_BYTES: usize = 64;

/// Appends a record; `false` if it is too large, and then nothing is.
pub(super) fn append(path: &str, observation: &Observation, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let body = start + LENGTH_BYTES;
    out.resize(body, 0);
    let buffer = std::mem::take(out);
    // The extension of a vector cannot fail, and neither can the encoding of these types.
    let Ok(encoded) = postcard::to_extend(&(path, observation), buffer) else {
        return false;
    };
    *out = encoded;
    let length = out.len() - body;
    let fits = length <= RECORD_BYTES;
    match (u32::try_from(length), out.get_mut(start..body)) {
        (Ok(length), Some(place)) if fits => place.copy_from_slice(&length.to_le_bytes()),
        _ => out.truncate(start),
    }
    fits
}

/// Reads a record; `None` if it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Observation> {
    let ((path, observation), rest): ((&str, Observation), _) = postcard::take_from_bytes(bytes).ok()?;
    let names = observation.query_ids.iter().map(|query| &query.name);
    let repeated = observation
        .extra
        .iter()
        .filter_map(|extra| extra.repeated.as_ref());
    let sound = rest.is_empty()
        && names
            .chain(repeated.map(|repeated| &repeated.name))
            .all(|name| is_name(name));
    sound.then(|| Observation {
        path: path.into(),
        ..observation
    })
}

/// Names of parameters are shown: none may be what a live one cannot be.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Extra, Fingerprint, Principal, PrincipalKind};

    fn observation() -> Observation {
        Observation {
            principal: Some(Principal {
                kind: PrincipalKind::Jwt,
                fingerprint: Fingerprint([7; 16]),
            }),
            status: Some(404),
            forwarded: Some("2001:db8::1".parse().unwrap()),
            hearsay: crate::observe::Hearsay::Nothing,
            extra: Some(Box::new(Extra {
                operation: Some("getOrder".into()),
                ..Extra::default()
            })),
            ..crate::observe::tests::observation()
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = vec![9];
        assert!(append("/orders/\u{1}07::0", &observation(), &mut out));
        let length = u32::from_le_bytes(out[1..5].try_into().unwrap()) as usize;
        assert_eq!(out.len(), 5 + length);
        let read = read(&out[5..]).unwrap();
        assert_eq!(&*read.path, "/orders/\u{1}07::0");
        let wanted = Observation {
            path: read.path.clone(),
            ..observation()
        };
        assert_eq!(format!("{read:?}"), format!("{wanted:?}"));
    }

    #[test]
    fn the_live_path_is_not_written() {
        let mut out = Vec::new();
        let secret = Observation {
            path: "/reset/s3cr3t".into(),
            ..observation()
        };
        append("/reset", &secret, &mut out);
        assert!(!out.windows(6).any(|bytes| bytes == b"s3cr3t"));
    }

    #[test]
    fn cut_and_changed_records_are_refused_or_read_without_a_panic() {
        let mut out = Vec::new();
        append("/a", &observation(), &mut out);
        let record = &out[LENGTH_BYTES..];
        for cut in 0..record.len() {
            assert!(read(&record[..cut]).is_none(), "{cut}");
        }
        for at in 0..record.len() {
            for bit in 0..8 {
                let mut changed = record.to_vec();
                changed[at] ^= 1 << bit;
                let _any_answer = read(&changed);
            }
        }
        let mut longer = record.to_vec();
        longer.push(0);
        assert!(read(&longer).is_none());
        let huge = "x".repeat(RECORD_BYTES);
        let mut nothing = Vec::new();
        assert!(!append(&huge, &observation(), &mut nothing));
        assert!(nothing.is_empty());
    }
}

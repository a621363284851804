//! Who a request's credential says it is, as a keyed fingerprint. Must not know about endpoints.
//!
//! One file for each kind of credential; `caller` tries them, the most specific first.

mod authorization;
pub(super) mod caller;
mod certificate;
mod connection;
mod cookie;
mod jwt;
pub mod keys;
pub mod settings;
pub mod signature;
mod token;

pub(super) use self::token::{is_opaque, jwt_parts, token};

use std::{fmt, hash::Hasher as _};

use siphasher::{
    sip::SipHasher13,
    sip128::{Hasher128 as _, SipHasher24},
};

use super::{Fingerprint, PrincipalKind};

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
    /// Passwords and codes.
    pub const PASSWORD: u8 = 6;
    /// Roles and scopes.
    pub const ROLE: u8 = 7;
    /// Names of parameters that say which page of a list is asked for.
    pub const PAGE: u8 = 8;
    /// Names of parameters in small letters.
    pub const NAME: u8 = 9;
    /// Of audiences.
    pub const AUDIENCE: u8 = 10;
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey([7; 16]);

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
    fn the_key_decides_and_is_not_shown() {
        let other = InstallKey([8; 16]);
        assert_ne!(
            KEY.fingerprint(PrincipalKind::Bearer, b"abc"),
            other.fingerprint(PrincipalKind::Bearer, b"abc")
        );
        assert_eq!(format!("{KEY:?}"), "InstallKey(..)");
    }
}

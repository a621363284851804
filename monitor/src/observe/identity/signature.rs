//! Verifies signatures of tokens that were accepted, so many a second. Must not know who is verified.
//!
//! Only what a server has answered with success is verified: forged tokens that it refuses cost nothing, so whoever
//! sends thousands of them does not use up what the one that is accepted needs.

use base64::Engine as _;

use super::{
    jwt::BASE64,
    keys::{Keys, Verified},
};
use crate::time::Timestamp;

/// Most signatures verified a second of traffic, per parse worker: some 30 microseconds each with RSA. Stops a client
/// that has a new token for each request from costing a processor.
const A_SECOND: u32 = 1_000;
/// Longest signature, bytes: of an RSA key of 8,192 bits.
const SIGNATURE_BYTES: usize = 1_024;

/// What became of the signatures of accepted tokens. Zeroes where no keys are configured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignatureStats {
    /// Made by one of the keys.
    pub good: u64,
    /// Made by none of them.
    pub wrong: u64,
    /// The token names a key that is not configured.
    pub unknown_key: u64,
    /// Not verified: too many in one second.
    pub shed: u64,
}

impl SignatureStats {
    /// Every counter with its stable name.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("signatures_good", self.good),
            ("signatures_wrong", self.wrong),
            ("signatures_unknown_key", self.unknown_key),
            ("signatures_shed", self.shed),
        ]
        .into_iter()
    }
}

/// Has the keys, and counts what it does with them.
#[derive(Debug)]
pub(in crate::observe) struct Verifier {
    keys: Keys,
    second: u64,
    left: u32,
    /// The request whose token is read was answered with success.
    accepted: bool,
    stats: SignatureStats,
}

/// A token as its signer saw it.
pub(super) struct Signed<'a> {
    pub(super) algorithm: &'a [u8],
    pub(super) key: Option<&'a [u8]>,
    /// Header and claims, coded.
    pub(super) message: &'a [u8],
    /// The signature, coded.
    pub(super) signature: &'a [u8],
}

impl Verifier {
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            keys,
            second: 0,
            left: A_SECOND,
            accepted: false,
            stats: SignatureStats::default(),
        }
    }

    /// The next token was sent at `at`; `accepted`: and answered with success. Whether it will be verified.
    pub(super) fn begin(&mut self, at: Timestamp, accepted: bool) -> bool {
        let second = at.as_nanos() / 1_000_000_000;
        // Backwards too: the time of captures does that.
        if second != self.second {
            (self.second, self.left) = (second, A_SECOND);
        }
        self.accepted = accepted && !self.keys.is_empty();
        self.accepted
    }

    /// Whether none of the keys made this signature.
    pub(super) fn is_wrong(&mut self, signed: &Signed<'_>) -> bool {
        if !self.accepted {
            return false;
        }
        if self.left == 0 {
            self.stats.shed += 1;
            return false;
        }
        self.left -= 1;
        match self.verify(signed) {
            Verified::Good => self.stats.good += 1,
            Verified::UnknownKey => self.stats.unknown_key += 1,
            Verified::Wrong => {
                self.stats.wrong += 1;
                return true;
            }
        }
        false
    }

    fn verify(&self, signed: &Signed<'_>) -> Verified {
        let mut room = [0; SIGNATURE_BYTES];
        match BASE64.decode_slice(signed.signature, &mut room) {
            Ok(len) => {
                let signature = room.get(..len).unwrap_or_default();
                self.keys
                    .verify(signed.algorithm, signed.key, signed.message, signature)
            }
            Err(_) => Verified::Wrong,
        }
    }

    pub(in crate::observe) fn stats(&self) -> SignatureStats {
        self.stats
    }
}

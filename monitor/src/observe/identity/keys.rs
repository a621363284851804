//! The keys with which tokens are signed, and whether a signature is good (RFC 7515, 7517, 7518). Must not know claims.
//!
//! A token cannot choose how it is verified: the kind of the key says which algorithms can be meant (RFC 8725 section
//! 3.1).

use base64::Engine as _;
use ring::{hmac, signature};
use serde::Deserialize;
use spki::{
    ObjectIdentifier, SubjectPublicKeyInfoRef,
    der::{Decode as _, pem},
};

use super::jwt::BASE64;

/// Most keys of all files. Each may be tried for a token that names none.
pub const KEYS_MAX: usize = 64;

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Neither of the two forms.
    #[error("neither a JSON Web Key (Set) nor a PEM public key")]
    Form,
    /// No key of a kind that can be used.
    #[error(
        "no key for signatures in it (RSA, EC P-256 and P-384, Ed25519 and secrets for HMAC can be used)"
    )]
    None,
    /// Too many of them.
    #[error("more than {KEYS_MAX} keys in all; name only those of your issuers")]
    TooMany,
}

/// What is known of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verified {
    /// One of the keys made it.
    Good,
    /// None of them did.
    Wrong,
    /// The token names a key that is not here: the issuer may have a new one.
    UnknownKey,
}

/// Keys of the issuers whose tokens this service takes.
#[derive(Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    /// `kid`.
    id: Option<String>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// Modulus and exponent.
    Rsa(signature::RsaPublicKeyComponents<Vec<u8>>),
    /// As PKCS #1 writes them.
    RsaDer(Vec<u8>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    /// A secret that both sides know.
    Secret(Vec<u8>),
}

/// Secrets are not shown.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

/// Two are the same where they name the same keys: only a configuration that is read again is compared.
impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        let material = |keys: &Self| -> Vec<(Option<String>, Vec<u8>)> {
            keys.0
                .iter()
                .map(|key| (key.id.clone(), key.kind.bytes()))
                .collect()
        };
        material(self) == material(other)
    }
}

impl Eq for Keys {}

/// The parameters of a JSON Web Key that matter (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JwkFile {
    Set { keys: Vec<Jwk> },
    One(Jwk),
}

impl Keys {
    /// Adds the keys of a file: a JSON Web Key Set, one such key, or a PEM public key. Keys of kinds that cannot be
    /// verified here, and those for encryption, are passed over.
    pub fn add(&mut self, file: &[u8]) -> Result<(), KeysError> {
        let before = self.0.len();
        if let Ok(set) = serde_json::from_slice::<JwkFile>(file) {
            let keys = match set {
                JwkFile::Set { keys } => keys,
                JwkFile::One(key) => vec![key],
            };
            self.0.extend(keys.into_iter().filter_map(Key::of_jwk));
        } else {
            let (label, der) = pem::decode_vec(file).map_err(|_| KeysError::Form)?;
            if label != "PUBLIC KEY" {
                return Err(KeysError::Form);
            }
            self.0.extend(Key::of_spki(&der));
        }
        match self.0.len() {
            len if len == before => Err(KeysError::None),
            len if len > KEYS_MAX => Err(KeysError::TooMany),
            _ => Ok(()),
        }
    }

    /// Whether there are none: then no signature is verified.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Verifies `signature` of `message`. `id` is the `kid` of the token's header.
    pub(super) fn verify(
        &self,
        algorithm: &[u8],
        id: Option<&[u8]>,
        message: &[u8],
        signature: &[u8],
    ) -> Verified {
        let named = |key: &&Key| match (&key.id, id) {
            (Some(key), Some(id)) => key.as_bytes() == id,
            _ => true,
        };
        let mut known = false;
        for key in self.0.iter().filter(named) {
            known = true;
            if key.kind.made(algorithm, message, signature) {
                return Verified::Good;
            }
        }
        if known {
            Verified::Wrong
        } else {
            Verified::UnknownKey
        }
    }
}

impl Key {
    fn of_jwk(jwk: Jwk) -> Option<Self> {
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let bytes = |text: &Option<String>| BASE64.decode(text.as_deref()?).ok();
        let point = || -> Option<Vec<u8>> {
            // As SEC 1 writes a point that is not compressed.
            let mut point = vec![4];
            point.extend(bytes(&jwk.x)?);
            point.extend(bytes(&jwk.y)?);
            Some(point)
        };
        let kind = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Kind::Rsa(signature::RsaPublicKeyComponents {
                n: bytes(&jwk.n)?,
                e: bytes(&jwk.e)?,
            }),
            ("EC", Some("P-256")) => Kind::P256(point()?),
            ("EC", Some("P-384")) => Kind::P384(point()?),
            ("OKP", Some("Ed25519")) => Kind::Ed25519(bytes(&jwk.x)?),
            ("oct", _) => Kind::Secret(bytes(&jwk.k)?),
            _ => return None,
        };
        Some(Self { id: jwk.kid, kind })
    }

    /// Of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
    fn of_spki(der: &[u8]) -> Option<Self> {
        const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
        const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
        const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
        const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let key = info.subject_public_key.as_bytes()?.to_vec();
        let curve = || info.algorithm.parameters_oid().ok();
        let kind = match info.algorithm.oid {
            RSA => Kind::RsaDer(key),
            ED25519 => Kind::Ed25519(key),
            EC if curve() == Some(P256) => Kind::P256(key),
            EC if curve() == Some(P384) => Kind::P384(key),
            _ => return None,
        };
        Some(Self { id: None, kind })
    }
}

impl Kind {
    /// Whether this key made the signature, by an algorithm that is one of its own.
    fn made(&self, algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => {
                rsa(algorithm).is_some_and(|parameters| key.verify(parameters, message, signature).is_ok())
            }
            Self::RsaDer(key) => {
                rsa(algorithm).is_some_and(|parameters| by(parameters, key, message, signature))
            }
            Self::P256(key) => {
                algorithm == b"ES256" && by(&signature::ECDSA_P256_SHA256_FIXED, key, message, signature)
            }
            Self::P384(key) => {
                algorithm == b"ES384" && by(&signature::ECDSA_P384_SHA384_FIXED, key, message, signature)
            }
            Self::Ed25519(key) => {
                matches!(algorithm, b"EdDSA" | b"Ed25519") && by(&signature::ED25519, key, message, signature)
            }
            Self::Secret(secret) => hash(algorithm)
                .is_some_and(|hash| hmac::verify(&hmac::Key::new(hash, secret), message, signature).is_ok()),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => [key.n.as_slice(), key.e.as_slice()].concat(),
            Self::RsaDer(bytes)
            | Self::P256(bytes)
            | Self::P384(bytes)
            | Self::Ed25519(bytes)
            | Self::Secret(bytes) => bytes.clone(),
        }
    }
}

fn by(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    made: &[u8],
) -> bool {
    let key = signature::UnparsedPublicKey::new(algorithm, key);
    key.verify(message, made).is_ok()
}

/// RFC 7518 sections 3.3 and 3.5.
fn rsa(algorithm: &[u8]) -> Option<&'static signature::RsaParameters> {
    Some(match algorithm {
        b"RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        b"RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        b"RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        b"PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        b"PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        b"PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// RFC 7518 section 3.2.
fn hash(algorithm: &[u8]) -> Option<hmac::Algorithm> {
    Some(match algorithm {
        b"HS256" => hmac::HMAC_SHA256,
        b"HS384" => hmac::HMAC_SHA384,
        b"HS512" => hmac::HMAC_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;

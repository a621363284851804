//! What the operator says about credentials. Must not know how they are read.

use std::path::PathBuf;

use serde::Deserialize;

use super::keys::Keys;

/// `[identity]` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// Headers that carry an API key.
    pub api_key_headers: Vec<String>,
    /// Headers that carry a user's token without a scheme.
    pub token_headers: Vec<String>,
    /// Query parameters that carry an API key.
    pub api_key_parameters: Vec<String>,
    /// Session cookies beside those that are known by their names.
    pub session_cookies: Vec<String>,
    /// Cookies that are no credentials whatever they are called.
    pub other_cookies: Vec<String>,
    /// Claims of a JSON Web Token that say who it is, the first that is there; `data.id` is `id` within `data`.
    pub principal_claims: Vec<String>,
    /// How far clocks may be apart, seconds, before a token counts as expired or not yet valid.
    pub skew_seconds: u32,
    /// The audiences that tokens may be for; empty: those that are learned from what is served.
    pub audiences: Vec<String>,
    /// The issuers that tokens may be from; empty: any.
    pub issuers: Vec<String>,
    /// Files with the keys that sign tokens: JSON Web Key Sets, or PEM public keys. Empty: signatures are not verified.
    pub key_files: Vec<PathBuf>,
    /// What stands in those files, read when the configuration is.
    #[serde(skip)]
    pub keys: Keys,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            api_key_headers: list(&[
                "x-api-key",
                "api-key",
                "apikey",
                "x-apikey",
                "x-api-token",
                "x-rapidapi-key",
                "x-functions-key",
                "ocp-apim-subscription-key",
            ]),
            token_headers: list(&[
                "x-auth-token",
                "x-access-token",
                "x-amz-security-token",
                "x-session-token",
                "x-vault-token",
                "private-token",
                "x-token",
            ]),
            api_key_parameters: list(&["api_key", "apikey", "api-key", "key", "subscription-key", "appid"]),
            session_cookies: Vec::new(),
            other_cookies: Vec::new(),
            principal_claims: list(&[
                "sub",
                "user_id",
                "userId",
                "uid",
                "user.id",
                "data.id",
                "user.email",
                "data.email",
                "preferred_username",
                "username",
                "email",
                "id",
                "client_id",
                "azp",
                "appid",
            ]),
            skew_seconds: 60,
            audiences: Vec::new(),
            issuers: Vec::new(),
            key_files: Vec::new(),
            keys: Keys::default(),
        }
    }
}

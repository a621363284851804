//! `[detect]` of the configuration: the settings of all detectors, and the bounds of what they share. Must not know
//! what a setting does.

use serde::{Deserialize, Serialize};

use super::{
    brute_force, credential_stuffing, evasion, flood, foreign_object, function_level, graph, id_enumeration,
    invalid_token, leaked_secret, missing_auth, parameter_pollution, password_spray, probing, rate_abuse,
    scraping, token_cycling, token_sharing,
};

/// Settings of all detectors, `[detect]` in the configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectSettings {
    /// Actors whose age is remembered; the least recently seen gives way.
    pub actors_max: usize,
    /// Credentials whose owner is remembered; the least recently handed out gives way.
    pub owners_max: usize,
    /// Users whose clients are remembered from logins that were accepted; the one not seen for longest gives way.
    pub logins_max: usize,
    /// `[detect.graph]`.
    pub graph: graph::Settings,
    /// `[detect.id-enumeration]`.
    #[serde(rename = "id-enumeration")]
    pub id_enumeration: id_enumeration::Settings,
    /// `[detect.scraping]`.
    #[serde(rename = "scraping")]
    pub scraping: scraping::Settings,
    /// `[detect.probing]`.
    #[serde(rename = "probing")]
    pub probing: probing::Settings,
    /// `[detect.leaked-secret]`.
    #[serde(rename = "leaked-secret")]
    pub leaked_secret: leaked_secret::Settings,
    /// `[detect.rate-abuse]`.
    #[serde(rename = "rate-abuse")]
    pub rate_abuse: rate_abuse::Settings,
    /// `[detect.parameter-pollution]`.
    #[serde(rename = "parameter-pollution")]
    pub parameter_pollution: parameter_pollution::Settings,
    /// `[detect.foreign-object]`.
    #[serde(rename = "foreign-object")]
    pub foreign_object: foreign_object::Settings,
    /// `[detect.token-sharing]`.
    #[serde(rename = "token-sharing")]
    pub token_sharing: token_sharing::Settings,
    /// `[detect.brute-force]`.
    #[serde(rename = "brute-force")]
    pub brute_force: brute_force::Settings,
    /// `[detect.credential-stuffing]`.
    #[serde(rename = "credential-stuffing")]
    pub credential_stuffing: credential_stuffing::Settings,
    /// `[detect.function-level]`.
    #[serde(rename = "function-level")]
    pub function_level: function_level::Settings,
    /// `[detect.missing-auth]`.
    #[serde(rename = "missing-auth")]
    pub missing_auth: missing_auth::Settings,
    /// `[detect.invalid-token-accepted]`.
    #[serde(rename = "invalid-token-accepted")]
    pub invalid_token: invalid_token::Settings,
    /// `[detect.token-cycling]`.
    #[serde(rename = "token-cycling")]
    pub token_cycling: token_cycling::Settings,
    /// `[detect.password-spray]`.
    #[serde(rename = "password-spray")]
    pub password_spray: password_spray::Settings,
    /// `[detect.evasion]`.
    pub evasion: evasion::Settings,
    /// `[detect.syn-flood]`.
    #[serde(rename = "syn-flood")]
    pub syn_flood: flood::SynFlood,
    /// `[detect.packet-rate]`.
    #[serde(rename = "packet-rate")]
    pub packet_rate: flood::PacketRate,
}

impl Default for DetectSettings {
    fn default() -> Self {
        Self {
            actors_max: 1 << 19,
            owners_max: 1 << 18,
            logins_max: 1 << 17,
            graph: graph::Settings::default(),
            id_enumeration: id_enumeration::Settings::default(),
            foreign_object: foreign_object::Settings::default(),
            parameter_pollution: parameter_pollution::Settings::default(),
            rate_abuse: rate_abuse::Settings::default(),
            leaked_secret: leaked_secret::Settings::default(),
            probing: probing::Settings::default(),
            scraping: scraping::Settings::default(),
            token_sharing: token_sharing::Settings::default(),
            brute_force: brute_force::Settings::default(),
            credential_stuffing: credential_stuffing::Settings::default(),
            function_level: function_level::Settings::default(),
            missing_auth: missing_auth::Settings::default(),
            invalid_token: invalid_token::Settings::default(),
            token_cycling: token_cycling::Settings::default(),
            password_spray: password_spray::Settings::default(),
            evasion: evasion::Settings::default(),
            syn_flood: flood::SynFlood::default(),
            packet_rate: flood::PacketRate::default(),
        }
    }
}

impl DetectSettings {
    /// Whether some detector asks who was given what.
    pub(crate) fn wants_graph(&self) -> bool {
        self.id_enumeration.enabled || self.foreign_object.enabled
    }
}

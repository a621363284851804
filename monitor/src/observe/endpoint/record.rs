//! Endpoints as they survive a restart: templates, counts, histograms. Must not know where they are kept.
//!
//! What comes back may have been changed by anybody: whatever does not fit is refused as a whole.

use serde::{Deserialize, Serialize};

use super::{
    Endpoint, EndpointTable, Method,
    node::{Label, NodeRecord},
    tree::Tree,
    usage::{Usage, UsageRecord},
};
use crate::time::Timestamp;

/// Everything learned.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    nodes: Vec<NodeRecord>,
    endpoints: Vec<EndpointRecord>,
}

/// One endpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointRecord {
    node: u32,
    method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    first: Timestamp,
    last: Timestamp,
    requests: u64,
    served_principals: u64,
    served_anonymous: u64,
    usage: UsageRecord,
}

/// Why what was kept cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// More than the settings allow.
    #[error("more endpoints or nodes than the configuration allows")]
    TooMany,
    /// No tree, or endpoints that are not on it.
    #[error("the templates do not make a tree")]
    NoTree,
}

impl EndpointTable {
    /// Everything learned, to be kept.
    pub fn record(&self) -> Record {
        let endpoints = self.endpoints.iter().zip(&self.usage).skip(1);
        Record {
            nodes: self.tree.record(),
            endpoints: endpoints
                .map(|(endpoint, usage)| EndpointRecord {
                    node: endpoint.node,
                    method: endpoint.method().to_owned(),
                    operation: endpoint.operation.as_deref().map(str::to_owned),
                    first: endpoint.first,
                    last: endpoint.last,
                    requests: endpoint.requests,
                    served_principals: endpoint.served_principals,
                    served_anonymous: endpoint.served_anonymous,
                    usage: usage.record(),
                })
                .collect(),
        }
    }

    /// Takes over what an earlier run learned; only into a table that has learned nothing.
    pub fn restore(&mut self, record: Record) -> Result<(), RecordError> {
        if !self.is_empty() || record.endpoints.len() > self.settings.endpoints_max {
            return Err(RecordError::TooMany);
        }
        let tree = Tree::restore(self.settings.nodes_max, record.nodes)?;
        let sound = |kept: &EndpointRecord| {
            let named = kept.operation.as_deref().is_none_or(super::is_operation);
            named && tree.get(kept.node).is_some()
        };
        if !record.endpoints.iter().all(sound) {
            return Err(RecordError::NoTree);
        }
        self.tree = tree;
        for kept in record.endpoints {
            let method = Method::from(kept.method.as_str());
            let operation = kept.operation.map(String::into_boxed_str);
            let Some(id) = self.enter(kept.node, method, operation, kept.first) else {
                continue;
            };
            if let Some(endpoint) = self.endpoints.get_mut(id.0 as usize) {
                *endpoint = Endpoint {
                    last: kept.last,
                    requests: kept.requests,
                    served_principals: kept.served_principals,
                    served_anonymous: kept.served_anonymous,
                    ..endpoint.clone()
                };
            }
            if let Some(usage) = self.usage.get_mut(id.0 as usize) {
                **usage = Usage::restore(&kept.usage);
            }
        }
        Ok(())
    }
}

/// Longest text of a node, bytes. Longer segments are never words.
const TEXT_BYTES: usize = 256;

impl NodeRecord {
    /// Whether it can be the node at `at`.
    pub(super) fn is_sound(&self, at: usize) -> bool {
        let short =
            !matches!(&self.label, Label::Literal { text, .. } if text.is_empty() || text.len() > TEXT_BYTES);
        let rooted = match at {
            0 => self.label == Label::Root,
            1 => self.label == Label::Unknown,
            _ => {
                self.label != Label::Root
                    && (self.parent as usize) < at
                    && self.parent != super::tree::OVERFLOW
            }
        };
        short && rooted
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;

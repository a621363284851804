//! One journal event as one JSON line with the field names of the Elastic Common Schema. Must not know about files.

use super::event::JournalEvent;

/// The event as one line of JSON, without line feed.
pub fn line(event: &JournalEvent) -> String {
    serde_json::json!({ "@timestamp": event.at.rfc3339() }).to_string()
}

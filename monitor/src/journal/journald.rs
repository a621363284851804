//! Lines as entries of the systemd journal, by its own protocol (systemd, "Native Journal Protocol"): one datagram an
//! entry, one field after the other. Must not know what they say.
//!
//! Every value has its length before it, so that nothing in it can begin another field. The line is `APIMON_EVENT`, the
//! words are `MESSAGE`; `journalctl -t apimon APIMON_RULE=scraping -o json` finds them.

use std::{io, os::unix::net::UnixDatagram, path::PathBuf, time::Duration};

use super::{
    entry::Entry,
    sink::{Failure, Transport},
    syslog::failure,
};

/// Where the journal listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";
/// How long one entry may take. A journal that has stopped reading.
const SEND_TIME: Duration = Duration::from_secs(2);

/// One event as an entry.
pub(super) fn message(entry: &Entry) -> Vec<u8> {
    let mut fields = vec![
        ("MESSAGE", entry.message.clone()),
        ("PRIORITY", entry.severity.to_string()),
        ("SYSLOG_IDENTIFIER", "apimon".to_owned()),
        ("APIMON_ACTION", entry.action.clone()),
        ("APIMON_EVENT", entry.line.clone()),
    ];
    fields.extend(entry.rule.clone().map(|rule| ("APIMON_RULE", rule)));
    let mut message = Vec::new();
    for (name, value) in fields {
        message.extend_from_slice(name.as_bytes());
        message.push(b'\n');
        message.extend_from_slice(&(value.len() as u64).to_le_bytes());
        message.extend_from_slice(value.as_bytes());
        message.push(b'\n');
    }
    message
}

/// A connection to the journal, made when it is needed.
#[derive(Debug)]
pub(super) struct Journald {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Journald {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            socket: None,
        }
    }

    fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        let socket = if let Some(socket) = self.socket.take() {
            socket
        } else {
            let socket = UnixDatagram::unbound()?;
            socket.connect(&self.path)?;
            socket.set_write_timeout(Some(SEND_TIME))?;
            socket
        };
        socket.send(message)?;
        self.socket = Some(socket);
        Ok(())
    }
}

impl Transport for Journald {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.try_send(message).map_err(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an entry as journald does: a name, then either `=` and the rest of the line, or a length and so many
    /// bytes.
    fn fields(mut message: &[u8]) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        while !message.is_empty() {
            let end = message.iter().position(|b| *b == b'\n').unwrap();
            let (name, rest) = message.split_at(end);
            assert!(
                name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_'),
                "{name:?}"
            );
            let (length, rest) = rest[1..].split_at(8);
            let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
            fields.push((text(name), text(&rest[..length])));
            assert_eq!(rest[length], b'\n');
            message = &rest[length + 1..];
        }
        fields
    }

    #[test]
    fn no_value_begins_another_field() {
        let hostile = "x\nPRIORITY=0\n_UID=0\n".to_owned();
        let entry = Entry {
            line: hostile.clone(),
            message: hostile.clone(),
            action: hostile.clone(),
            rule: Some(hostile.clone()),
            at: String::new(),
            severity: 4,
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let receiver = UnixDatagram::bind(&path).unwrap();
        Journald::new(&path).send(&message(&entry)).unwrap();
        let mut got = vec![0; 4096];
        let bytes = receiver.recv(&mut got).unwrap();
        let fields = fields(&got[..bytes]);
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "MESSAGE",
                "PRIORITY",
                "SYSLOG_IDENTIFIER",
                "APIMON_ACTION",
                "APIMON_EVENT",
                "APIMON_RULE"
            ]
        );
        assert_eq!(
            (fields[0].1.as_str(), fields[1].1.as_str()),
            (hostile.as_str(), "4")
        );
    }
}

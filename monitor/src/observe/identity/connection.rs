//! Connections that were authenticated as a whole (NTLM, and Negotiate: RFC 4559): what comes later on them carries no
//! credential. Must not know requests.
//!
//! The last message of NTLM names the user (MS-NLMP section 2.2.1.3). Other tokens of Negotiate say nothing that can be
//! read: each connection is somebody then.

use std::time::Duration;

use base64::Engine as _;

use super::{authorization::BASE64, caller::Caller, token::is_opaque};
use crate::{flow::Peer, lru::Lru, time::Timestamp};

/// Connections remembered; the least recently used gives way.
const CONNECTIONS: usize = 1 << 12;
/// After so much silence the port may be another client's.
const SILENT: Duration = Duration::from_mins(15);
/// Longest name of a user, bytes.
const NAME_BYTES: usize = 512;

/// Who was let in on which connection.
#[derive(Debug)]
pub(super) struct Connections(Lru<Peer, Option<(Caller, Timestamp)>>);

/// What a message of these schemes says.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Message {
    /// The beginning of an exchange: nobody yet.
    Begins,
    /// Domain and user, in small letters.
    User(Vec<u8>),
    /// Somebody, and it cannot be read who.
    Somebody,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self(Lru::new(CONNECTIONS))
    }

    /// Whoever sent this credential was let in.
    pub(super) fn lets_in(&mut self, client: Peer, caller: Caller, at: Timestamp) {
        *self.0.entry(client) = Some((caller, at));
    }

    /// Somebody begins anew.
    pub(super) fn begins(&mut self, client: Peer) {
        self.0.remove(&client);
    }

    /// Who comes on this connection.
    #[inline]
    pub(super) fn who(&mut self, client: Peer, now: Timestamp) -> Option<Caller> {
        if self.0.is_empty() {
            return None;
        }
        let (caller, at) = self.0.get(&client)?.as_mut()?;
        let silent = now.since(*at);
        *at = now;
        (silent <= SILENT).then_some(*caller)
    }
}

/// Reads the message of an `Authorization` header of these schemes, or `None` for others.
pub(super) fn message(value: &[u8]) -> Option<Message> {
    let value = value.trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace)?;
    let (scheme, coded) = value.split_at_checked(end)?;
    if !scheme.eq_ignore_ascii_case(b"ntlm") && !scheme.eq_ignore_ascii_case(b"negotiate") {
        return None;
    }
    let coded = Some(coded.trim_ascii()).filter(|coded| is_opaque(coded))?;
    let message = BASE64.decode(coded).unwrap_or_default();
    let Some(at) = memchr::memmem::find(&message, b"NTLMSSP\0") else {
        return Some(Message::Somebody);
    };
    let message = message.get(at..)?;
    if number::<4>(message, 8)? != 3 {
        return Some(Message::Begins);
    }
    Some(user(message).map_or(Message::Somebody, Message::User))
}

/// Domain and user of the last message.
fn user(message: &[u8]) -> Option<Vec<u8>> {
    let mut name = field(message, 28)?;
    name.push(b'\\');
    name.extend(field(message, 36)?);
    (1 < name.len() && name.len() <= NAME_BYTES).then_some(name)
}

/// A text of a message, by the place of its length and offset; two bytes a letter lose those that are zero.
fn field(message: &[u8], at: usize) -> Option<Vec<u8>> {
    let (len, start) = (number::<2>(message, at)?, number::<4>(message, at + 4)?);
    let text = message.get(start..start.checked_add(len)?)?;
    Some(
        text.iter()
            .filter(|byte| **byte != 0)
            .map(u8::to_ascii_lowercase)
            .collect(),
    )
}

/// A number of so many bytes, the lowest first.
fn number<const N: usize>(message: &[u8], at: usize) -> Option<usize> {
    let bytes = message.get(at..at.checked_add(N)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | usize::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last message of NTLM, of this user.
    fn last(domain: &str, user: &str) -> Vec<u8> {
        let wide = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        let (domain, user) = (wide(domain), wide(user));
        let mut message = b"NTLMSSP\0\x03\0\0\0".to_vec();
        message.resize(28, 0);
        for (len, start) in [(domain.len(), 64), (user.len(), 64 + domain.len())] {
            let len = u16::try_from(len).unwrap().to_le_bytes();
            message.extend([len, len].concat());
            message.extend(u32::try_from(start).unwrap().to_le_bytes());
        }
        message.resize(64, 0);
        [message, domain, user].concat()
    }

    fn header(scheme: &str, message: &[u8]) -> String {
        format!("{scheme} {}", BASE64.encode(message))
    }

    #[test]
    fn the_last_message_names_the_user() {
        let named = Some(Message::User(b"corp\\anna".to_vec()));
        assert_eq!(message(header("NTLM", &last("CORP", "Anna")).as_bytes()), named);
        assert_eq!(
            message(header("negotiate", &last("CORP", "Anna")).as_bytes()),
            named
        );
        assert_eq!(
            message(header("NTLM", b"NTLMSSP\0\x01\0\0\0").as_bytes()),
            Some(Message::Begins)
        );
        assert_eq!(
            message(header("Negotiate", &[0x60; 24]).as_bytes()),
            Some(Message::Somebody)
        );
        let without = b"NTLMSSP\0\x03\0\0\0anna";
        assert_eq!(
            message(header("NTLM", without).as_bytes()),
            Some(Message::Somebody)
        );
        assert_eq!(message(b"Bearer abc"), None);
        assert_eq!(message(b"NTLM"), None);
        assert_eq!(message(b"Negotiate x"), None);
    }

    #[test]
    fn no_message_leads_out_of_itself() {
        let whole = last("CORP", "anna");
        for len in 0..whole.len() {
            message(header("NTLM", &whole[..len]).as_bytes());
        }
        for at in 8..64 {
            let mut broken = whole.clone();
            broken[at] = 0xff;
            message(header("NTLM", &broken).as_bytes());
        }
    }
}

//! What was made of the bytes that a connection sent last: on a connection the same client sends the same credential
//! and the same agent again and again. And of those that were seen last, whoever sent them: a proxy sends those of all
//! its clients over a few connections. Must not know what is made of them.
//!
//! A connection has one slot, by its port, and shares it with others: the one that was heard last is remembered. Bytes
//! have another one, by a hash. So whoever makes either collide takes away the gain and no more: bytes are compared,
//! never hashes of them.

use std::{fmt, hash::BuildHasher as _};

use foldhash::fast::FixedState;

use crate::flow::Peer;

/// Connections remembered, per parse worker, and as many values. More that come in turn, and each is computed anew.
const SLOTS: usize = 256;
/// Longest value remembered, bytes. Stops endless headers from staying in memory.
const BYTES: usize = 1024;

/// The values made last. `T` is what they depend on beside the bytes.
#[derive(Clone)]
pub(super) struct Recent<T, V> {
    by_connection: Vec<Slot<T, V>>,
    by_value: Vec<Slot<T, V>>,
}

#[derive(Clone)]
struct Slot<T, V> {
    /// May be a credential: it must not be shown.
    bytes: Vec<u8>,
    made: Option<(T, V)>,
}

impl<T: Copy + PartialEq, V: Copy> Recent<T, V> {
    pub(super) fn new() -> Self {
        let slot = Slot {
            bytes: Vec::new(),
            made: None,
        };
        Self {
            by_connection: vec![slot.clone(); SLOTS],
            by_value: vec![slot; SLOTS],
        }
    }

    /// The value for `tag` and `bytes`, which `client` sent. `anybodys`: what was made of them on another connection
    /// will do.
    #[inline]
    pub(super) fn get(
        &mut self,
        (client, anybodys): (Peer, bool),
        tag: T,
        bytes: &[u8],
        make: impl FnOnce() -> V,
    ) -> V {
        let own = self.by_connection.get_mut(place(client));
        if let Some(value) = own.as_ref().and_then(|slot| slot.holds(tag, bytes)) {
            return value;
        }
        if bytes.len() > BYTES {
            return make();
        }
        let shared = if anybodys {
            self.by_value.get_mut(place_of(bytes))
        } else {
            None
        };
        if let Some(value) = shared.as_ref().and_then(|slot| slot.holds(tag, bytes)) {
            return value;
        }
        let value = make();
        for slot in own.into_iter().chain(shared) {
            slot.take(tag, bytes, value);
        }
        value
    }
}

impl<T: Copy + PartialEq, V: Copy> Slot<T, V> {
    #[inline]
    fn holds(&self, tag: T, bytes: &[u8]) -> Option<V> {
        let (of, value) = self.made.as_ref()?;
        if *of == tag && self.bytes.as_slice() == bytes {
            Some(*value)
        } else {
            None
        }
    }

    fn take(&mut self, tag: T, bytes: &[u8], value: V) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.made = Some((tag, value));
    }
}

/// The slot of a connection: a client's ports mostly follow one another.
fn place(client: Peer) -> usize {
    usize::from(client.port) % SLOTS
}

/// The slot of a value.
fn place_of(bytes: &[u8]) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "any bits of it will do")]
    let hash = FixedState::with_seed(0).hash_one(bytes) as usize;
    hash % SLOTS
}

impl<T, V> fmt::Debug for Recent<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recent(..)")
    }
}

#[cfg(test)]
mod tests {
    use monitor_common::IpKey;
    use proptest::prelude::*;

    use super::*;

    fn peer(port: u16) -> Peer {
        Peer {
            addr: IpKey::from_v4([192, 0, 2, 1]),
            port,
        }
    }

    proptest! {
        /// Ports 1 and 257 share a slot; tags and bytes come back; some bytes are too long to remember.
        #[test]
        fn never_another_value(asked in prop::collection::vec((0u16..3, 0u8..2, 0usize..4), 0..60)) {
            let mut recent = Recent::new();
            let long = vec![b'x'; BYTES + 1];
            let texts: [&[u8]; 4] = [b"", b"a", b"b", &long];
            for (port, tag, text) in asked {
                let port = [1, 257, 2][usize::from(port)];
                prop_assert_eq!(recent.get((peer(port), tag == 0), tag, texts[text], || (tag, text)), (tag, text));
            }
        }
    }

    #[test]
    fn made_once_while_nobody_else_comes() {
        let mut recent = Recent::new();
        assert_eq!(recent.get((peer(1), true), (), b"secret", || 1), 1);
        assert_eq!(recent.get((peer(1), true), (), b"secret", || 2), 1);
        assert_eq!(recent.get((peer(257), true), (), b"other", || 3), 3);
        assert_eq!(recent.get((peer(1), false), (), b"secret", || 4), 4);
        assert_eq!(
            recent.get((peer(2), true), (), b"secret", || 5),
            1,
            "by its bytes"
        );
        let long = vec![b'x'; BYTES + 1];
        assert_eq!(recent.get((peer(1), true), (), &long, || 5), 5);
        assert_eq!(
            recent.get((peer(1), true), (), &long, || 6),
            6,
            "too long to remember"
        );
    }

    /// As a proxy does it: those of many clients in turn, over few connections.
    #[test]
    fn made_once_for_many_behind_a_proxy() {
        let mut recent = Recent::new();
        let mut made = 0;
        for turn in 0..2000_u16 {
            let token = format!("token of user {}", turn % 20);
            recent.get((peer(turn % 8), true), (), token.as_bytes(), || made += 1);
        }
        assert!(made < 200, "{made}");
        assert_eq!(format!("{recent:?}"), "Recent(..)");
    }
}

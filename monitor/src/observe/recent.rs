//! What was made of the bytes that a connection sent last: on a connection the same client sends the same credential
//! and the same agent again and again. Must not know what is made of them.
//!
//! A connection has one slot, by its port, and shares it with others: the one that was heard last is remembered. So
//! whoever makes connections collide takes away the gain and no more. Bytes are compared, never hashes of them.

use std::fmt;

use crate::flow::Peer;

/// Connections remembered, per parse worker. More that speak in turn, and each is computed anew.
const SLOTS: usize = 256;
/// Longest value remembered, bytes. Stops endless headers from staying in memory.
const BYTES: usize = 1024;

/// The values made last. `T` is what they depend on beside the bytes.
#[derive(Clone)]
pub(super) struct Recent<T, V> {
    slots: Vec<Slot<T, V>>,
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
            slots: vec![slot; SLOTS],
        }
    }

    /// The value for `tag` and `bytes`, which `client` sent.
    #[inline]
    pub(super) fn get(&mut self, client: Peer, tag: T, bytes: &[u8], make: impl FnOnce() -> V) -> V {
        let slot = self.slots.get_mut(place(client));
        if let Some(Slot {
            bytes: known,
            made: Some((of, value)),
        }) = &slot
            && *of == tag
            && known.as_slice() == bytes
        {
            return *value;
        }
        let value = make();
        if let Some(slot) = slot.filter(|_| bytes.len() <= BYTES) {
            slot.bytes.clear();
            slot.bytes.extend_from_slice(bytes);
            slot.made = Some((tag, value));
        }
        value
    }
}

/// The slot of a connection: a client's ports mostly follow one another.
fn place(client: Peer) -> usize {
    usize::from(client.port) % SLOTS
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
                prop_assert_eq!(recent.get(peer(port), tag, texts[text], || (tag, text)), (tag, text));
            }
        }
    }

    #[test]
    fn made_once_while_nobody_else_comes() {
        let mut recent = Recent::new();
        assert_eq!(recent.get(peer(1), (), b"secret", || 1), 1);
        assert_eq!(recent.get(peer(1), (), b"secret", || 2), 1);
        assert_eq!(recent.get(peer(257), (), b"other", || 3), 3);
        assert_eq!(recent.get(peer(1), (), b"secret", || 4), 4);
        assert_eq!(format!("{recent:?}"), "Recent(..)");
    }
}

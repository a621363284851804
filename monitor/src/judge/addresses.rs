//! Table keys of addresses, kept for the ones that come again soon. Must not know whose they are.
//!
//! A client sends many requests in a row, and each would hash its address twice. Whoever makes addresses share a slot
//! takes away the gain and no more: the address itself is compared.

use monitor_common::IpKey;

use crate::{
    detect::network,
    observe::identity::{InstallKey, space},
};

/// Addresses remembered. More that speak in turn, and each is hashed anew.
const SLOTS: usize = 256;

/// The keys of one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AddressKeys {
    /// Keyed hash of the address.
    pub(super) own: u64,
    /// Keyed hash of its network, as operators hand them out.
    pub(super) network: u64,
}

/// The keys of the last addresses.
#[derive(Debug)]
pub(super) struct Addresses {
    key: InstallKey,
    slots: Vec<Option<(IpKey, AddressKeys)>>,
}

impl Addresses {
    /// Knows none yet.
    pub(super) fn new(key: InstallKey) -> Self {
        Self {
            key,
            slots: vec![None; SLOTS],
        }
    }

    /// The keys of an address.
    pub(super) fn keys(&mut self, addr: IpKey) -> AddressKeys {
        let slot = self.slots.get_mut(place(addr));
        if let Some(Some((known, keys))) = slot
            && *known == addr
        {
            return *keys;
        }
        let hash = |addr: IpKey| self.key.hash(space::SOURCE, &addr.0);
        let keys = AddressKeys {
            own: hash(addr),
            network: hash(network(addr)),
        };
        if let Some(slot) = slot {
            *slot = Some((addr, keys));
        }
        keys
    }
}

/// The slot of an address: neighbours have slots of their own.
fn place(addr: IpKey) -> usize {
    let [.., third, fourth] = addr.0;
    let [net, ..] = addr.0.as_chunks::<8>().0 else {
        return 0;
    };
    let net = net.iter().fold(0, |sum, byte| sum ^ byte);
    usize::from(third ^ fourth ^ net)
}

const _: () = assert!(SLOTS == u8::MAX as usize + 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_of_the_address_whoever_asked_before() {
        let key = InstallKey([5; 16]);
        let mut addresses = Addresses::new(key);
        for round in 0..3u8 {
            for last in 0..=u8::MAX {
                let addr = IpKey::from_v4([10, last / 16, round, last]);
                let expected = AddressKeys {
                    own: key.hash(space::SOURCE, &addr.0),
                    network: key.hash(space::SOURCE, &IpKey::from_v4([10, last / 16, round, 0]).0),
                };
                assert_eq!(addresses.keys(addr), expected);
                assert_eq!(addresses.keys(addr), expected, "again");
            }
        }
    }
}

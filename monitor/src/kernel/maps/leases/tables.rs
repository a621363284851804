//! The tables as they lie in memory, seen by nets instead of words. Must not keep anything beside them.

use monitor_common::{
    Prefix, V4, V6,
    addr::Number,
    lease::{Terms, about, hits, kind},
    leased, names,
    table::{EXACT, FEW, Key, NETS, NoRoom, Slot, Table, WORDS_V4, WORDS_V6},
    throttle::Costs,
    words::{Words as _, high, long_time, low},
};

use super::{KernelError, KernelLease, Kind, LeaseMaps, Mapped, exact::Exact};

/// All tables of one kernel side.
pub(in crate::kernel) struct Tables {
    pub(super) leased: Mapped,
    v4: Mapped,
    v6: Mapped,
    few_v4: Mapped,
    few_v6: Mapped,
    net_v4: Mapped,
    net_v6: Mapped,
    about: Mapped,
    hits: Mapped,
    pub(super) nets_v4: Mapped,
    pub(super) nets_v6: Mapped,
    seed: u64,
}

/// A net of one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Net {
    V4(V4, u8),
    V6(V6, u8),
}

impl Net {
    /// The net by family. A net shorter than the mapped form of IPv4 (such as `::/0`) is one of IPv6, and no IPv4
    /// packet is in it.
    pub(super) fn of(net: Prefix) -> Self {
        match net.addr().number() {
            Number::V4(v4) if net.is_v4() => Self::V4(v4, net.family_bits()),
            _ => Self::V6(net.addr().as_v6(), net.bits()),
        }
    }
}

const NS: u64 = 1_000_000_000;

impl Tables {
    pub(super) fn new(maps: &LeaseMaps) -> Result<Self, KernelError> {
        let mut tables = Self {
            leased: Mapped::new(&maps.leased, names::MAP_LEASED, leased::WORDS)?,
            v4: Mapped::new(&maps.v4, names::MAP_LEASES_V4, WORDS_V4)?,
            v6: Mapped::new(&maps.v6, names::MAP_LEASES_V6, WORDS_V6)?,
            few_v4: Mapped::new(&maps.few_v4, names::MAP_FEW_LEASES_V4, WORDS_V4)?,
            few_v6: Mapped::new(&maps.few_v6, names::MAP_FEW_LEASES_V6, WORDS_V6)?,
            net_v4: Mapped::new(&maps.net_v4, names::MAP_NET_LEASES_V4, WORDS_V4)?,
            net_v6: Mapped::new(&maps.net_v6, names::MAP_NET_LEASES_V6, WORDS_V6)?,
            about: Mapped::new(&maps.about, names::MAP_LEASE_ABOUT, about::WORDS)?,
            hits: Mapped::new(&maps.hits, names::MAP_LEASE_HITS, hits::WORDS)?,
            nets_v4: Mapped::new(&maps.nets_v4, names::MAP_NETS_V4, 1)?,
            nets_v6: Mapped::new(&maps.nets_v6, names::MAP_NETS_V6, 1)?,
            seed: 0,
        };
        tables.seed = tables.choose_seed()?;
        Ok(tables)
    }

    /// The multiplier that is in the map, or a new one.
    fn choose_seed(&self) -> Result<u64, KernelError> {
        let present = self.leased.word(leased::SEED);
        if present != 0 {
            return Ok(present);
        }
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty()).map_err(|error| {
            KernelError::Map {
                map: names::MAP_LEASED,
                operation: "choosing a secret",
                reason: error.to_string(),
            }
        })?;
        let seed = u64::from_ne_bytes(bytes) | 1;
        self.leased.set_word(leased::SEED, seed);
        Ok(seed)
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The exact IPv4 leases.
    fn exact_v4(&self) -> Exact<'_> {
        Exact {
            few: Table::new(&self.few_v4, FEW, self.seed),
            many: Table::new(&self.v4, EXACT, self.seed),
            leased: &self.leased,
            word: leased::EXACT_V4,
        }
    }

    /// The exact IPv6 leases.
    fn exact_v6(&self) -> Exact<'_> {
        Exact {
            few: Table::new(&self.few_v6, FEW, self.seed),
            many: Table::new(&self.v6, EXACT, self.seed),
            leased: &self.leased,
            word: leased::EXACT_V6,
        }
    }

    /// The leased nets, IPv4 and IPv6.
    fn nets(&self) -> [Table<'_>; 2] {
        [&self.net_v4, &self.net_v6].map(|words| Table::new(words, NETS, self.seed))
    }

    /// Ends what a writer that was killed had begun, and counts anew.
    pub(super) fn settle(&self) {
        self.exact_v4().settle::<V4>();
        self.exact_v6().settle::<V6>();
    }

    pub(super) fn find(&self, net: Prefix) -> Option<Slot> {
        let [nets_v4, nets_v6] = self.nets();
        match Net::of(net) {
            Net::V4(key, V4::BITS) => self.exact_v4().find(key),
            Net::V4(key, bits) => nets_v4.find(key, bits),
            Net::V6(key, V6::BITS) => self.exact_v6().find(key),
            Net::V6(key, bits) => nets_v6.find(key, bits),
        }
    }

    pub(super) fn insert(&self, net: Prefix, index: u32, Terms(terms): Terms) -> Result<(), NoRoom> {
        let slot = Slot { index, terms };
        let [nets_v4, nets_v6] = self.nets();
        match Net::of(net) {
            Net::V4(key, V4::BITS) => self.exact_v4().insert(key, slot),
            Net::V4(key, bits) => nets_v4.insert(key, bits, slot),
            Net::V6(key, V6::BITS) => self.exact_v6().insert(key, slot),
            Net::V6(key, bits) => nets_v6.insert(key, bits, slot),
        }
    }

    pub(super) fn set_terms(&self, net: Prefix, Terms(terms): Terms) {
        let [nets_v4, nets_v6] = self.nets();
        match Net::of(net) {
            Net::V4(key, V4::BITS) => self.exact_v4().update(key, terms),
            Net::V4(key, bits) => nets_v4.update(key, bits, terms),
            Net::V6(key, V6::BITS) => self.exact_v6().update(key, terms),
            Net::V6(key, bits) => nets_v6.update(key, bits, terms),
        };
    }

    pub(super) fn remove(&self, net: Prefix) -> Option<Slot> {
        let [nets_v4, nets_v6] = self.nets();
        match Net::of(net) {
            Net::V4(key, V4::BITS) => self.exact_v4().remove(key),
            Net::V4(key, bits) => nets_v4.remove(key, bits),
            Net::V6(key, V6::BITS) => self.exact_v6().remove(key),
            Net::V6(key, bits) => nets_v6.remove(key, bits),
        }
    }

    /// Every lease with its net. One that is going over from one table into another may come twice.
    pub(super) fn for_each(&self, mut each: impl FnMut(Prefix, Slot)) {
        let [nets_v4, nets_v6] = self.nets();
        let mut v4 = |key: V4, bits: u8, slot| {
            let bits = bits.saturating_add(128 - V4::BITS);
            each_net(Prefix::new(key.into(), bits), slot, &mut each);
        };
        self.exact_v4().for_each(&mut v4);
        nets_v4.for_each(v4);
        let mut v6 = |key: V6, bits, slot| each_net(Prefix::new(key.into(), bits), slot, &mut each);
        self.exact_v6().for_each(&mut v6);
        nets_v6.for_each(v6);
    }

    /// Makes all tables empty.
    pub(super) fn clear(&self) {
        self.exact_v4().clear();
        self.exact_v6().clear();
        self.nets().iter().for_each(Table::clear);
    }

    /// Forgets what was counted and paid under a lease number.
    pub(super) fn reset(&self, number: u32, now_ns: u64) {
        for cpu in 0..self.cpus() {
            for word in 0..hits::WORDS {
                self.hits.set_word(hit(cpu, number, word), 0);
            }
        }
        for word in 0..about::WORDS {
            self.about.set_word(place(number, word), 0);
        }
        self.about.set_word(place(number, about::GRANTED), now_ns);
    }

    /// Writes what a lease does, and why.
    pub(super) fn describe(&self, number: u32, kind: Kind, reason: u32) {
        let costs = match kind {
            Kind::Drop => Costs::default(),
            Kind::Throttle(rates) => rates.costs(),
        };
        for (word, value) in [
            (about::PACKET_COST, costs.packet_ns),
            (about::BYTE_COST, costs.byte_ns),
            (about::BURST, BURST_NS),
            (about::REASON, u64::from(reason)),
        ] {
            self.about.set_word(place(number, word), value);
        }
    }

    pub(super) fn set_cleared(&self, net: Prefix, generation: u32) {
        if let Some(slot) = self.find(net) {
            self.about
                .set_word(place(slot.index, about::CLEARED), u64::from(generation));
        }
    }

    /// A lease with what all CPUs counted of it.
    pub(super) fn lease(&self, net: Prefix, slot: Slot, now_ns: u64) -> KernelLease {
        let terms = Terms(slot.terms);
        let about = |word| self.about.word(place(slot.index, word));
        let mut lease = KernelLease {
            net,
            expires_ns: terms.expires_ns(),
            kind: match terms.kind() {
                kind::DROP => Some(Kind::Drop),
                kind::THROTTLE => Some(throttle(&about)),
                _ => None,
            },
            reason: low(about(about::REASON)),
            packets: 0,
            bytes: 0,
            first_ns: 0,
            last_ns: 0,
        };
        for cpu in 0..self.cpus() {
            let counted = |word| self.hits.word(hit(cpu, slot.index, word));
            let times = counted(hits::TIMES);
            let (first, last) = (long_time(low(times), now_ns), long_time(high(times), now_ns));
            lease.packets = lease.packets.wrapping_add(counted(hits::PACKETS));
            lease.bytes = lease.bytes.wrapping_add(counted(hits::BYTES));
            lease.last_ns = lease.last_ns.max(last);
            lease.first_ns = match (lease.first_ns, first) {
                (0, first) | (first, 0) => first,
                (a, b) => a.min(b),
            };
        }
        lease
    }

    fn cpus(&self) -> usize {
        self.hits.len() / hits::WORDS / names::LEASES_MAX as usize
    }
}

/// How far ahead of its rates a source may be, nanoseconds: a second's worth may come at once. A browser opens a page
/// with a burst.
const BURST_NS: u64 = NS;

fn each_net(net: Option<Prefix>, slot: Slot, each: &mut impl FnMut(Prefix, Slot)) {
    if let Some(net) = net {
        each(net, slot);
    }
}

/// The rates behind the costs.
fn throttle(about: &impl Fn(usize) -> u64) -> Kind {
    let costs = Costs {
        packet_ns: about(about::PACKET_COST),
        byte_ns: about(about::BYTE_COST),
    };
    Kind::Throttle(costs.rates())
}

const fn place(number: u32, word: usize) -> usize {
    number as usize * about::WORDS + word
}

const fn hit(cpu: usize, number: u32, word: usize) -> usize {
    (cpu * names::LEASES_MAX as usize + number as usize) * hits::WORDS + word
}

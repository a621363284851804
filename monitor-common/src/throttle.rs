//! Throttling by a virtual clock (the generic cell rate algorithm of ITU-T I.371): each packet moves the time at which
//! its source is "paid up" on by its cost; a packet that would move it further ahead of now than the burst is dropped
//! and moves nothing. One word a rate holds the whole state, so CPUs share it by compare-and-swap.
//!
//! Must not know about maps or clocks.

/// Bits behind the point of a byte's cost.
pub const BYTE_COST_BITS: u32 = 16;

const SECOND_NS: u64 = 1_000_000_000;

/// Rates of a throttled lease, as userspace says them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rates {
    /// Packets a second; 0: not limited.
    pub packets: u64,
    /// Bytes a second; 0: not limited.
    pub bytes: u64,
}

/// What the kernel needs of them, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Costs {
    /// Of a packet; 0: not limited.
    pub packet_ns: u64,
    /// Of a byte, times 2^16; 0: not limited.
    pub byte_ns: u64,
}

impl Rates {
    /// Greatest rate that is still told apart from none: a packet a nanosecond.
    pub const PACKETS_MAX: u64 = SECOND_NS;
    /// 64 GB a second: a byte's cost still has two binary digits behind the point of 2^-16 ns to lose.
    pub const BYTES_MAX: u64 = 64 * SECOND_NS;

    /// Least byte rate that is told apart: less is not enough for a connection.
    pub const BYTES_MIN: u64 = 1024;

    /// As costs. Rounded up, so that no rate is exceeded. A rate outside of the bounds is taken as the nearest one.
    pub fn costs(self) -> Costs {
        Costs {
            packet_ns: cost(SECOND_NS, self.packets, 1, Self::PACKETS_MAX),
            byte_ns: cost(
                SECOND_NS << BYTE_COST_BITS,
                self.bytes,
                Self::BYTES_MIN,
                Self::BYTES_MAX,
            ),
        }
    }
}

fn cost(second: u64, rate: u64, least: u64, most: u64) -> u64 {
    if rate == 0 {
        0
    } else {
        second.div_ceil(rate.clamp(least, most))
    }
}

impl Costs {
    /// The rates behind them, as near as whole numbers go.
    pub fn rates(self) -> Rates {
        let rate = |second: u64, cost: u64| second.checked_div(cost).unwrap_or(0);
        Rates {
            packets: rate(SECOND_NS, self.packet_ns),
            bytes: rate(SECOND_NS << BYTE_COST_BITS, self.byte_ns),
        }
    }

    /// What `bytes` cost, nanoseconds. No frame has 2^20 bytes and no rate is below [`Rates::BYTES_MIN`], so this does
    /// not overflow.
    #[inline(always)]
    pub const fn of_bytes(&self, bytes: u64) -> u64 {
        self.byte_ns.wrapping_mul(bytes) >> BYTE_COST_BITS
    }
}

/// The time until which a source is paid up after a packet of this cost at `now_ns`; `None` if the packet is too much.
#[inline(always)]
pub const fn step(paid_until_ns: u64, cost_ns: u64, burst_ns: u64, now_ns: u64) -> Option<u64> {
    let from = if paid_until_ns > now_ns {
        paid_until_ns
    } else {
        now_ns
    };
    let until = from.wrapping_add(cost_ns);
    // What has a cost above the burst passes when nothing is owed: else it never would.
    if from > now_ns && until - now_ns > burst_ns {
        None
    } else {
        Some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packets that pass, of those at `times`.
    fn passed(times: &[u64], cost: u64, burst: u64) -> u64 {
        let mut until = 0;
        let mut count = 0;
        for now in times {
            if let Some(next) = step(until, cost, burst, *now) {
                until = next;
                count += 1;
            }
        }
        count
    }

    proptest! {
        #[test]
        fn never_more_than_rate_and_burst(
            mut times in prop::collection::vec(0_u64..10_000_000_000, 1..2000),
            rate in 1_u64..100_000,
            burst_ms in 1_u64..2000,
        ) {
            times.sort_unstable();
            let cost = Rates { packets: rate, bytes: 0 }.costs().packet_ns;
            let burst = burst_ms * 1_000_000;
            let span = times.last().unwrap() - times.first().unwrap();
            let allowed = (span + burst) / cost + 1;
            prop_assert!(passed(&times, cost, burst) <= allowed);
        }

        #[test]
        fn whoever_keeps_below_the_rate_loses_nothing(rate in 1_u64..100_000, n in 1_u64..500) {
            let cost = Rates { packets: rate, bytes: 0 }.costs().packet_ns;
            let times: Vec<u64> = (0..n).map(|i| 5 + i * cost).collect();
            prop_assert_eq!(passed(&times, cost, 1), n);
        }

        #[test]
        fn bytes_cost_no_less_than_the_rate_says(rate in Rates::BYTES_MIN..Rates::BYTES_MAX, bytes in 0_u64..65_536) {
            let costs = Rates { packets: 0, bytes: rate }.costs();
            let exact = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
            let got = u128::from(costs.of_bytes(bytes));
            prop_assert!(got >= exact && got <= exact + u128::from(bytes) / 65_536 + 1, "{} {}", got, exact);
        }
    }

    #[test]
    fn no_rate_is_no_cost_and_a_huge_packet_passes_when_nothing_is_owed() {
        assert_eq!(Rates::default().costs(), Costs::default());
        assert_eq!(step(0, 500, 10, 100), Some(600));
        assert_eq!(step(600, 500, 10, 200), None);
        assert_eq!(step(600, 500, 10, 600), Some(1100));
    }
}

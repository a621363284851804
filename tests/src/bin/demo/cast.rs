//! Who plays: addresses and users. Must not know what happens to them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many well-behaved clients there are.
pub(crate) const PEOPLE: u8 = 20;
/// The user who walks the order numbers; none of the well-behaved.
pub(crate) const WALKER_USER: u32 = 31;
/// The well-behaved user whose token is stolen.
pub(crate) const VICTIM_USER: u32 = 4;

/// The well-behaved user whose password is guessed.
pub(crate) const GUESSED_USER: u32 = 9;
/// The first of the users with whom one password is tried. Nobody of that number is there.
pub(crate) const SPRAYED_USER: u32 = 1_000;

/// The well-behaved, each in the order of their user numbers; every fourth comes by IPv6.
pub(crate) fn people() -> Vec<IpAddr> {
    (1..=PEOPLE)
        .map(|number| {
            if number % 4 == 3 {
                Ipv6Addr::new(0x2001, 0xdb8, 0x77, u16::from(number), 0, 0, 0, 1).into()
            } else {
                Ipv4Addr::new(10, 20, number, 7).into()
            }
        })
        .collect()
}

/// The client that walks.
pub(crate) fn walker() -> IpAddr {
    Ipv4Addr::new(203, 0, 113, 66).into()
}

/// The client that guesses the password of one user.
pub(crate) fn guesser() -> IpAddr {
    Ipv4Addr::new(192, 0, 2, 21).into()
}

/// The client that tries one password with many users.
pub(crate) fn sprayer() -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 7, 0, 0, 0, 7).into()
}

/// The client that looks for doors.
pub(crate) fn scanner() -> IpAddr {
    Ipv4Addr::new(198, 51, 100, 90).into()
}

/// Everybody who is to be dropped.
pub(crate) fn abusers() -> Vec<IpAddr> {
    let mut all = vec![walker(), guesser(), sprayer(), scanner()];
    all.extend(thieves());
    all
}

/// The six that use the stolen token: different networks, one of them by IPv6.
pub(crate) fn thieves() -> Vec<IpAddr> {
    let mut thieves: Vec<IpAddr> = (1..=5)
        .map(|number| Ipv4Addr::new(198, 18, 40 * number, 3).into())
        .collect();
    thieves.push(Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 6).into());
    thieves
}

/// The address of the owner of the stolen token.
pub(crate) fn victim() -> IpAddr {
    let index = usize::try_from(VICTIM_USER - 1).unwrap_or(0);
    people()
        .get(index)
        .copied()
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

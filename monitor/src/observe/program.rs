//! What tells client programs apart, from the head of a request. Must not know who uses them.

mod family;

use super::identity::InstallKey;
use crate::http::{name::Name, transaction::Head};

/// Key of the client print. Public: the print tells programs apart, it protects nothing, and equal programs shall have
/// equal prints on every host.
const PRINT_KEY: InstallKey = InstallKey(*b"apimon-print-one");
/// Header fields read for the client print. More say nothing new about the program.
const PRINT_FIELDS: usize = 32;
/// Bytes of an agent in which such a word may begin. Real ones are shorter.
const AGENT_BYTES: usize = 512;
/// Header names that one program sends with every request. Names that come and go (bodies, validators, credentials,
/// what proxies add) would split one program into many.
const STEADY: usize = 9;

/// The order of the steady header names, by number; zero behind the last.
pub(super) type Order = [u8; STEADY];

/// What is known of a client program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Program {
    /// As in [`super::Observation::client_print`].
    pub(super) print: u64,
    /// As in [`super::Observation::client_family`].
    pub(super) family: u32,
    /// As in [`super::Observation::has_device`].
    pub(super) has_device: bool,
    /// As in [`super::Observation::says_crawler`].
    pub(super) says_crawler: bool,
}

impl Program {
    /// The program that sends names in this order, and calls itself `agent`.
    pub(super) fn new(order: Order, agent: &[u8]) -> Self {
        let print = if order == [0; STEADY] {
            0
        } else {
            PRINT_KEY.hash(0, &order) ^ PRINT_KEY.hash(1, agent)
        };
        Self {
            print,
            family: family::of(agent, &PRINT_KEY),
            has_device: family::has_device(agent),
            says_crawler: says_crawler(agent),
        }
    }
}

/// The order of the steady names of a head.
pub(super) fn order(head: Head<'_>) -> Order {
    let mut order = [0; STEADY];
    let found = head.names().take(PRINT_FIELDS).map(number);
    for (slot, name) in order.iter_mut().zip(found.filter(|number| *number > 0)) {
        *slot = name;
    }
    order
}

/// The number of a steady name, 0 of others.
fn number(name: Name) -> u8 {
    match name {
        Name::Host => 1,
        Name::UserAgent => 2,
        Name::Accept => 3,
        Name::AcceptEncoding => 4,
        Name::AcceptLanguage => 5,
        Name::SecChUa => 6,
        Name::SecChUaPlatform => 7,
        Name::Dnt => 8,
        Name::Te => 9,
        _ => 0,
    }
}

/// Whether the agent calls itself a crawler: the words that the big ones put in, and that browsers do not.
fn says_crawler(agent: &[u8]) -> bool {
    (0..agent.len().min(AGENT_BYTES)).any(|at| agent.get(at..).is_some_and(begins_with_crawler))
}

fn begins_with_crawler(text: &[u8]) -> bool {
    let is = |word: &[u8]| {
        text.get(..word.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(word))
    };
    match text.first().map(u8::to_ascii_lowercase) {
        Some(b'b') => is(b"bot"),
        Some(b'c') => is(b"crawl"),
        Some(b's') => is(b"spider") || is(b"slurp"),
        Some(b'f') => is(b"feedfetcher"),
        Some(b'r') => is(b"rss"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::transaction::{HeadBuf, Version};

    fn of(names: &[&str], agent: &str) -> Program {
        let fields: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
        Program::new(
            order(HeadBuf::new(Version::Http11, &fields).as_head()),
            agent.as_bytes(),
        )
    }

    #[test]
    fn order_and_agent_tell_programs_apart_and_nothing_else_does() {
        let one = of(&["Host", "User-Agent", "Accept"], "a/1");
        assert_eq!(
            of(&["host", "Cookie", "USER-AGENT", "Accept", "Range"], "a/1"),
            one
        );
        assert_ne!(of(&["User-Agent", "Host", "Accept"], "a/1").print, one.print);
        assert_ne!(of(&["Host", "User-Agent", "Accept"], "a/2").print, one.print);
        assert_eq!(of(&["Cookie"], "a/1").print, 0);
    }

    #[test]
    fn crawlers_say_so() {
        for agent in ["Mozilla/5.0 (compatible; GoogleBot/2.1)", "RSSowl", "x spider"] {
            assert!(of(&[], agent).says_crawler, "{agent}");
        }
        assert!(!of(&[], "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101").says_crawler);
    }
}

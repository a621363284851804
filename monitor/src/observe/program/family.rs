//! Which program an agent names, whatever its version, and whether people sit at it. Must not know who uses it.
//!
//! An agent is a row of products, `name/version`, with comments between them (RFC 9110 section 10.1.5). Versions change
//! with each update; comments hold systems, languages, and with some apps the network that the phone is in.

use crate::observe::identity::InstallKey;

/// Bytes of an agent that are read. Real ones are shorter.
const AGENT_BYTES: usize = 512;
/// Products that make a family.
const PRODUCTS: usize = 8;
/// What programs of people say of the device, in the spelling of those who say it. Libraries name the language that
/// they are for, or nothing.
const DEVICES: [&[u8]; 8] = [
    b"Windows NT",
    b"Macintosh",
    b"iPhone",
    b"iPad",
    b"Android",
    b"X11",
    b"CrOS",
    b"Darwin/",
];

/// Hash of the names of the products; 0 if there are none.
pub(super) fn of(agent: &[u8], key: &InstallKey) -> u32 {
    let agent = agent.get(..AGENT_BYTES).unwrap_or(agent);
    let mut depth = 0u32;
    let mut products = 0;
    let mut family = 0u64;
    for word in agent.split(|byte| *byte == b' ') {
        let outside = depth == 0;
        for byte in word {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let slash = word.iter().position(|byte| *byte == b'/');
        let name = slash.and_then(|at| word.get(..at)).filter(|name| is_name(name));
        let Some(name) = name.filter(|_| outside && products < PRODUCTS) else {
            continue;
        };
        products += 1;
        family = family.rotate_left(7) ^ key.hash(2, name);
    }
    let whole = || key.hash(3, agent.split(|byte| *byte == b' ').next().unwrap_or_default());
    match (products, agent.is_empty()) {
        (0, true) => 0,
        (0, false) => fold(whole()),
        _ => fold(family),
    }
}

/// Whether the agent names a device that people have before them. Anybody can say so.
pub(super) fn has_device(agent: &[u8]) -> bool {
    let agent = agent.get(..AGENT_BYTES).unwrap_or(agent);
    DEVICES
        .iter()
        .any(|device| memchr::memmem::find(agent, device).is_some())
}

/// Names with which phones say that they are phones, or which network they are in, come and go.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&b'(') && ![&b"Mobile"[..], b"NetType", b"Language"].contains(&name)
}

fn fold(hash: u64) -> u32 {
    ((hash >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey(*b"0123456789abcdef");
    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/129.0.0.0 Safari/537.36";

    fn family(agent: &str) -> u32 {
        of(agent.as_bytes(), &KEY)
    }

    #[test]
    fn versions_and_comments_make_no_other_family() {
        let other = CHROME
            .replace("129", "130")
            .replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64");
        assert_eq!(family(CHROME), family(&other));
        assert_eq!(
            family("shop/5.1 (iPhone; iOS 18.1)"),
            family("shop/5.2 (iPhone; iOS 18.2)")
        );
        let chat =
            |network: &str| format!("Mozilla/5.0 (iPhone) Chat/8.0(0x18) NetType/{network} Language/en");
        assert_eq!(family(&chat("WIFI")), family(&chat("4G")));
        assert_eq!(family("tool 1.0"), family("tool 2.0"));
    }

    #[test]
    fn names_do() {
        let all = [
            CHROME,
            "curl/8.5.0",
            "python-requests/2.32",
            "shop/5.1",
            "tool",
            "(",
            "",
        ];
        for (at, one) in all.iter().enumerate() {
            for other in all.iter().skip(at + 1) {
                assert_ne!(family(one), family(other), "{one} {other}");
            }
        }
        assert_eq!(family(""), 0);
        assert_ne!(family(&"(a/1 ".repeat(1000)), 0);
    }

    #[test]
    fn people_sit_at_devices() {
        for agent in [
            CHROME,
            "shop/5.1 (iPhone; iOS 18.1)",
            "Shop/1 CFNetwork/1408.0.4 Darwin/22.5.0",
        ] {
            assert!(has_device(agent.as_bytes()), "{agent}");
        }
        for agent in [
            "curl/8.5.0",
            "Go-http-client/1.1",
            "kubectl/v1.28.2 (linux/amd64) kubernetes/89a4ea3",
            "",
        ] {
            assert!(!has_device(agent.as_bytes()), "{agent}");
        }
    }
}

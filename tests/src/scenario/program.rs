//! Client programs: what they call themselves, and the order of their header lines. Must not know who uses them.

use std::fmt::Write as _;

use super::dice::Dice;

/// One program in one version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    agent: String,
    order: &'static [&'static str],
    /// Connections that it uses at the same time.
    pub connections: usize,
}

/// Header lines of apps: `Auth` is where the credential stands.
const APP: &[&str] = &[
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Auth",
];
const BROWSER: &[&str] = &[
    "Host",
    "Connection",
    "User-Agent",
    "Auth",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
];
const SCRIPT: &[&str] = &[
    "Host",
    "User-Agent",
    "Accept-Encoding",
    "Accept",
    "Connection",
    "Auth",
];
const CURL: &[&str] = &["Host", "Auth", "User-Agent", "Accept"];

impl Program {
    /// One of a kind: `mobile`, `browser`, `script`, `curl`, `crawler`, `feed`, `probe`, `job`, `scanner`.
    pub fn of(kind: &str, dice: &mut Dice) -> Self {
        let (low, high) = (dice.below(6), dice.below(40));
        let (agent, order, connections) = match kind {
            "browser" => {
                let system = [
                    "Windows NT 10.0; Win64; x64",
                    "Macintosh; Intel Mac OS X 10_15_7",
                    "X11; Linux x86_64",
                ];
                let system = system.get(low % 3).copied().unwrap_or_default();
                let agent = format!(
                    "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
                    120 + high % 8
                );
                (agent, BROWSER, 4)
            }
            "script" => (format!("python-requests/2.3{low}.0"), SCRIPT, 1),
            "curl" => (format!("curl/8.{low}.1"), CURL, 1),
            "crawler" => (
                "Mozilla/5.0 (compatible; examplebot/2.1; +https://bot.example/about)".to_owned(),
                BROWSER,
                1,
            ),
            "feed" => ("feedreader/3.1 (+https://feeds.example)".to_owned(), SCRIPT, 1),
            "probe" => ("kube-probe/1.29".to_owned(), CURL, 1),
            "job" => (format!("Java-http-client/17.0.{low}"), SCRIPT, 2),
            "load" => ("k6/0.49.0 (https://k6.io/)".to_owned(), SCRIPT, 4),
            "scanner" => ("Mozilla/5.0 (compatible)".to_owned(), CURL, 2),
            _ => (
                format!(
                    "shop/5.{low}.{} (Android 14; Pixel {}) okhttp/4.12.0",
                    high % 3,
                    6 + high % 4
                ),
                APP,
                1,
            ),
        };
        Self {
            agent,
            order,
            connections,
        }
    }

    /// The program that one of the crowd has.
    pub fn any(dice: &mut Dice) -> Self {
        let kind = match dice.unit() {
            x if x < 0.7 => "mobile",
            x if x < 0.9 => "browser",
            _ => "script",
        };
        Self::of(kind, dice)
    }

    /// Its header lines; `auth` is the one with the credential.
    pub fn head(&self, out: &mut String, host: &str, auth: &str) {
        for name in self.order {
            let _ = match *name {
                "Auth" => out.write_str(auth),
                "Host" => write!(out, "Host: {host}\r\n"),
                "User-Agent" => write!(out, "User-Agent: {}\r\n", self.agent),
                "Accept" => out.write_str("Accept: application/json\r\n"),
                "Accept-Encoding" => out.write_str("Accept-Encoding: identity\r\n"),
                "Accept-Language" => out.write_str("Accept-Language: en-GB,en;q=0.9\r\n"),
                _ => write!(out, "{name}: keep-alive\r\n"),
            };
        }
    }
}

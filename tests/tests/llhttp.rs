//! Message-level cases of llhttp's own test suite, which is not part of the repository: `APIMON_SHARED` names the
//! directory that holds `message-level/llhttp-test`. Without it the suite says so and passes, unless
//! `APIMON_REQUIRE_SHARED=1`.
//!
//! Compared is what llhttp read before it was content or gave up: method or status, target, version and body length
//! of every complete message. What this reader accepts beyond that is its leniency, shown by the transcripts.

use std::{fs, path::Path};

use apimon::{
    limits::Limits,
    stream::{End, Side},
};
use apimon_tests::transcript::Stage;

/// Cases read in another way on purpose, by their titles, and why.
const DIFFERENT: [(&str, &str); 5] = [
    (
        "CONNECT with body",
        "its Content-Length counts (RFC 9112 section 6): the tunnel begins behind the body",
    ),
    ("SOURCE request with ICE", "not HTTP"),
    ("OPTIONS request with RTSP", "not HTTP"),
    ("ANNOUNCE request with RTSP", "not HTTP"),
    (
        "Quotes in URI",
        "read alike, but the log has no escapes to compare with",
    ),
];

/// One case: title, whether it is a request, input, and the messages that llhttp completed.
struct Case {
    title: String,
    request: bool,
    input: Vec<u8>,
    messages: Vec<String>,
}

/// The cases of one file that say what a strict parser reads.
fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut title = String::new();
    let mut rest = text;
    while let Some((line, behind)) = rest.split_once('\n') {
        rest = behind;
        if line.starts_with('#') {
            line.trim_start_matches('#').trim().clone_into(&mut title);
        }
        let kind = line
            .strip_prefix("<!-- meta=")
            .unwrap_or_default()
            .replace(' ', "");
        let request = kind.contains("\"type\":\"request\"");
        if !(request || kind.contains("\"type\":\"response\""))
            || kind.contains("pause")
            || kind.contains("skipBody")
        {
            continue;
        }
        let (Some(input), Some(log)) = (block(rest, "```http\n"), block(rest, "```log\n")) else {
            continue;
        };
        cases.push(Case {
            title: title.clone(),
            request,
            input: unescape(input),
            messages: messages(log, request),
        });
    }
    cases
}

fn block<'a>(text: &'a str, fence: &str) -> Option<&'a str> {
    let (_, inside) = text.split_once(fence)?;
    inside.split_once("\n```").map(|(inside, _)| inside)
}

/// The input as llhttp's harness reads it: line ends are CR LF, a backslash joins lines.
fn unescape(text: &str) -> Vec<u8> {
    let text = text.replace("\\\n", "").replace('\n', "\r\n");
    let text = text
        .replace("\\r", "\r")
        .replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\f", "\x0c");
    let mut bytes = Vec::new();
    let mut parts = text.split("\\x");
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at(part.len().min(2));
        bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

/// The complete messages of a log, as [`heard`] writes them.
fn messages(log: &str, request: bool) -> Vec<String> {
    let mut messages = Vec::new();
    let (mut first, mut url, mut version, mut body) = (String::new(), String::new(), String::new(), 0);
    for line in log.lines() {
        let (_, event) = line.split_once(' ').unwrap_or_default();
        let quoted = || {
            event
                .split_once('"')
                .map(|(_, text)| text.trim_end_matches('"').to_owned())
                .unwrap_or_default()
        };
        match event {
            "message begin" => (first, url, version, body) = Default::default(),
            _ if event.contains("span[method]") => first += &quoted(),
            _ if event.contains("span[url]") => url += &quoted(),
            _ if event.contains("span[version]") => version += &quoted(),
            _ if event.contains("span[body]") => body += length(event),
            _ if event.starts_with("headers complete") && !request => {
                let status = event
                    .split_once("status=")
                    .map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
                status.unwrap_or_default().clone_into(&mut first);
            }
            // A request line without version.
            "message complete" if request && version.is_empty() => {
                messages.push(format!("{first} {url} 0.9 {body}"));
            }
            "message complete" if request => messages.push(format!("{first} {url} {version} {body}")),
            "message complete" if first.starts_with('1') && first != "101" => {}
            "message complete" => messages.push(format!("{first} {body}")),
            _ => {}
        }
    }
    messages
}

fn length(event: &str) -> u64 {
    let number = event
        .split_once("len=")
        .and_then(|(_, rest)| rest.split(' ').next());
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// What this reader makes of the input.
fn heard(case: &Case, piece: usize) -> Vec<String> {
    let mut stage = Stage::new(false, Limits::default());
    let side = if case.request { Side::Opener } else { Side::Other };
    if !case.request {
        let requests = "GET / HTTP/1.1\r\n\r\n".repeat(case.messages.len() + 1);
        stage.data(Side::Opener, requests.as_bytes(), Some(0));
    }
    let acked = stage.sent(Side::Opener);
    case.input
        .chunks(piece)
        .for_each(|bytes| stage.data(side, bytes, Some(acked)));
    stage.end(side, End::Fin);
    let heard = stage
        .finish()
        .lines
        .into_iter()
        .filter(|line| !line.starts_with('!'));
    let shown = heard.filter_map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let [method, target, version, _, _, status, request_len, response_len] = words[..] else {
            return None;
        };
        let request = format!("{method} {target} {version} {request_len}");
        Some(if case.request {
            request
        } else {
            format!("{status} {response_len}")
        })
    });
    shown.collect()
}

#[test]
fn complete_messages_are_read_alike() -> anyhow::Result<()> {
    let Some(shared) = std::env::var_os("APIMON_SHARED") else {
        let required = std::env::var_os("APIMON_REQUIRE_SHARED").is_some_and(|value| value == "1");
        assert!(
            !required,
            "APIMON_REQUIRE_SHARED is set, but APIMON_SHARED does not name the directory of cases"
        );
        eprintln!("\n*** NOT RUN: APIMON_SHARED is not set, the cases of llhttp are absent ***\n");
        return Ok(());
    };
    let (mut read, mut wrong) = (0, Vec::new());
    for folder in ["request", "response"] {
        for file in fs::read_dir(Path::new(&shared).join("message-level/llhttp-test").join(folder))? {
            let file = file?.path();
            for case in cases(&fs::read_to_string(&file)?) {
                read += 1;
                for piece in [usize::MAX, 1] {
                    let heard = heard(&case, piece);
                    let different = DIFFERENT.iter().any(|(title, _)| *title == case.title);
                    if !heard.starts_with(&case.messages) && !different {
                        let name = file.file_name().unwrap_or_default().to_string_lossy();
                        wrong.push(format!(
                            "{folder}/{name} `{}`: {heard:?}, llhttp {:?}",
                            case.title, case.messages
                        ));
                    }
                }
            }
        }
    }
    eprintln!("{read} cases of llhttp, {} read differently", wrong.len());
    assert!(read > 150, "only {read} cases found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

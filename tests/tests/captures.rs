//! Captures with known answers, which are not part of the repository: `APIMON_SHARED` names the directory that holds
//! `http-pcaps/*/index.json`. Without it the suite says so and passes, unless `APIMON_REQUIRE_SHARED=1`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use apimon::{limits::Limits, reader::Reader, replay::TransactionLines, source::Capture};
use serde_json::Value;

/// Captures that are not read, by tag, and why.
const LEFT_OUT: [(&str, &str); 1] = [("http2", "HTTP/2 is counted, not parsed")];

/// Captures whose expected answer contradicts their packets, and the proof.
const DISPUTED: [(&str, &str); 1] = [(
    "sv-start-from-response",
    "frame 2 (200) acknowledges 4114495371, the number at which the request (frame 3) begins: the server had received \
     nothing of it. Frame 3 acknowledges all of frame 2, and frame 4 (404, at that number) acknowledges all of frame 3. So \
     404 is the answer, and 200 that of a request before the capture",
)];

/// What is compared: everything but body lengths whose expected value is unknown.
const KEYS: [&str; 11] = [
    "client",
    "client_port",
    "server",
    "server_port",
    "method",
    "target",
    "host",
    "version",
    "status",
    "request_body_len",
    "response_body_len",
];

/// The directory, if there is one.
fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("APIMON_SHARED").map(PathBuf::from);
    if shared.is_none() {
        let required = std::env::var_os("APIMON_REQUIRE_SHARED").is_some_and(|value| value == "1");
        assert!(
            !required,
            "APIMON_REQUIRE_SHARED is set, but APIMON_SHARED does not name the directory of captures"
        );
        eprintln!(
            "\n*** NOT RUN: APIMON_SHARED is not set, the captures with known answers are absent ***\n"
        );
    }
    shared
}

/// The lines that a capture gives, and what was read and lost.
fn replay(path: &Path, limits: Limits) -> anyhow::Result<(String, BTreeMap<&'static str, u64>)> {
    let mut capture = Capture::open(path)?;
    let mut reader = Reader::new(limits);
    let mut lines = TransactionLines::new(Vec::new());
    while let Some(packet) = capture.next_packet()? {
        reader.packet(&packet, &mut lines);
    }
    reader.finish(&mut lines);
    Ok((
        String::from_utf8(lines.finish()?)?,
        reader.stats().counters().collect(),
    ))
}

/// Where two lists differ.
fn differences(got: &[Value], expected: &[Value]) -> Vec<String> {
    let mut differences = Vec::new();
    if got.len() != expected.len() {
        differences.push(format!("{} transactions, expected {}", got.len(), expected.len()));
    }
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        for key in KEYS {
            let unknown = key.ends_with("body_len") && expected[key].is_null();
            if !unknown && got[key] != expected[key] {
                differences.push(format!(
                    "[{at}] {key}: got {}, expected {}",
                    got[key], expected[key]
                ));
            }
        }
    }
    differences
}

/// Compares the captures of one directory: what failed, in words.
fn compare(folder: &Path) -> anyhow::Result<Vec<String>> {
    let index: Vec<Value> = serde_json::from_str(&fs::read_to_string(folder.join("index.json"))?)?;
    let mut failed = Vec::new();
    for entry in &index {
        let name = entry["name"].as_str().unwrap_or_default();
        let tags: Vec<_> = entry["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let path = folder.join(entry["file"].as_str().unwrap_or_default());
        let (text, counters) = replay(&path, Limits::default())?;
        assert_eq!(
            replay(&path, Limits::default())?.0,
            text,
            "{name}: a second replay differs"
        );
        // Two places for all connections, and none: what is remembered of heads must not be seen.
        for former_heads in [0, 2] {
            let limits = Limits {
                former_heads,
                ..Limits::default()
            };
            assert_eq!(
                replay(&path, limits)?,
                (text.clone(), counters.clone()),
                "{name}: with {former_heads} former heads"
            );
        }
        let got: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let expected: Vec<Value> =
            serde_json::from_str(&fs::read_to_string(folder.join(format!("{name}.expected.json")))?)?;
        let differences = differences(&got, &expected);
        let left_out = LEFT_OUT.iter().find(|(tag, _)| tags.contains(tag));
        let disputed = DISPUTED
            .iter()
            .find(|(disputed, _)| *disputed == name)
            .map(|(_, proof)| *proof);
        match (left_out, differences.is_empty(), entry["cls"] == "exact") {
            (_, true, _) => {}
            (Some((_, why)), ..) => eprintln!("left out {name}: {why}"),
            (None, false, _) if disputed.is_some() => {
                eprintln!("disputed {name}: {}", disputed.unwrap_or_default());
            }
            (None, false, false) => eprintln!("differs (tolerant) {name}: {}", differences.join("; ")),
            (None, false, true) => failed.push(format!(
                "{name}: {}\n    {counters:?}",
                differences.iter().take(4).cloned().collect::<Vec<_>>().join("; ")
            )),
        }
    }
    eprintln!(
        "{}: {} captures, {} failed",
        folder.display(),
        index.len(),
        failed.len()
    );
    Ok(failed)
}

#[test]
fn captures_with_known_answers() -> anyhow::Result<()> {
    let Some(shared) = shared() else {
        return Ok(());
    };
    let mut failed = Vec::new();
    for folder in fs::read_dir(shared.join("http-pcaps"))? {
        let folder = folder?.path();
        if folder.join("index.json").is_file() {
            failed.extend(compare(&folder)?);
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

//! Every transcript in `fixtures/http` and `fixtures/bodies` gives the transactions it says, in whatever pieces its
//! bytes come.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]

use std::{fs, path::PathBuf};

use apimon::limits::Limits;
use apimon_tests::transcript::{Heard, Transcript};
use proptest::prelude::*;

/// All transcripts with their names.
fn transcripts() -> Vec<(String, Transcript)> {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut paths: Vec<_> = ["http", "bodies"]
        .iter()
        .flat_map(|folder| fs::read_dir(fixtures.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, Transcript::parse(&fs::read_to_string(path).unwrap()))
    };
    paths.into_iter().map(read).collect()
}

/// What is wrong with what was heard, if anything is.
fn complaint(transcript: &Transcript, heard: &Heard) -> Option<String> {
    if heard.lines != transcript.expected {
        return Some(format!(
            "got {:#?}, expected {:#?}",
            heard.lines, transcript.expected
        ));
    }
    for (name, value) in &transcript.counters {
        let got = heard
            .counters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, got)| *got);
        if got != Some(*value) {
            return Some(format!("{name}: got {got:?}, expected {value}"));
        }
    }
    (heard.kept_bytes > 0).then(|| format!("{} bytes of the budget were not given back", heard.kept_bytes))
}

/// Plays all transcripts and complains about all that went wrong.
fn check(which: impl Fn(&Transcript) -> bool, play: impl Fn(&Transcript) -> Heard) {
    let all = transcripts();
    assert!(all.len() >= 60, "only {} transcripts found", all.len());
    let wrong: Vec<_> = all
        .iter()
        .filter(|(_, transcript)| which(transcript))
        .filter_map(|(name, transcript)| {
            Some(format!("{name}: {}", complaint(transcript, &play(transcript))?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn transcripts_as_they_stand() {
    check(
        |_| true,
        |transcript| transcript.play(Limits::default(), || usize::MAX),
    );
}

#[test]
fn transcripts_in_small_pieces() {
    for size in [1, 2, 3, 5, 17] {
        check(
            |transcript| !transcript.packets,
            |transcript| transcript.play(Limits::default(), || size),
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn transcripts_in_any_pieces(sizes in proptest::collection::vec(1usize..40, 1..64)) {
        check(|transcript| !transcript.packets, |transcript| {
            let mut sizes = sizes.iter().cycle();
            transcript.play(Limits::default(), || sizes.next().copied().unwrap_or(1))
        });
    }
}

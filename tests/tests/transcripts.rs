//! Every transcript in `fixtures/http` gives the transactions it says, in whatever pieces its bytes come.

use std::{fs, path::PathBuf};

use apimon::limits::Limits;
use apimon_tests::transcript::{Heard, Transcript};
use proptest::prelude::*;

/// All transcripts with their names.
fn transcripts() -> Vec<(String, Transcript)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/http");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, Transcript::parse(&fs::read_to_string(path).unwrap()))
    };
    paths.into_iter().map(read).collect()
}

fn check(name: &str, transcript: &Transcript, heard: &Heard) {
    assert_eq!(heard.lines, transcript.expected, "{name}");
    for (counter, value) in &transcript.counters {
        let got = heard.counters.iter().find(|(n, _)| n == counter).unwrap_or_else(|| panic!("{counter}"));
        assert_eq!(got.1, *value, "{name}: {counter}");
    }
    assert_eq!(heard.kept_bytes, 0, "{name}: bytes of the budget that were not given back");
}

#[test]
fn transcripts_as_they_stand() {
    let all = transcripts();
    assert!(all.len() >= 40, "only {} transcripts found", all.len());
    for (name, transcript) in all {
        check(&name, &transcript, &transcript.play(Limits::default(), || usize::MAX));
    }
}

#[test]
fn transcripts_in_small_pieces() {
    for (name, transcript) in transcripts().iter().filter(|(_, t)| !t.packets) {
        for size in [1, 2, 3, 5, 17] {
            let heard = transcript.play(Limits::default(), || size);
            check(&format!("{name} in pieces of {size}"), transcript, &heard);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn transcripts_in_any_pieces(sizes in proptest::collection::vec(1usize..40, 1..64)) {
        for (name, transcript) in transcripts().iter().filter(|(_, t)| !t.packets) {
            let mut sizes = sizes.iter().cycle();
            let heard = transcript.play(Limits::default(), || *sizes.next().unwrap());
            check(name, transcript, &heard);
        }
    }
}

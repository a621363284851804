//! What the documents tell people to type is understood: every command line is parsed, every piece of configuration
//! loaded. That it does what they say is shown by `handbook_live` and `package`.

use std::fs;

use apimon::config::{self, Overrides};
use apimon_tests::handbook::{self, words};
use clap::error::ErrorKind;

/// What stands for something is replaced by such a thing.
fn filled_in(word: &str) -> String {
    match word {
        "NET" => "203.0.113.0/24".to_owned(),
        "ADDRESS" | "ASKER" => "203.0.113.9".to_owned(),
        "N" | "NUMBER" | "ID" => "1".to_owned(),
        "FILE" | "TEXT" => "some".to_owned(),
        _ => word.replace(['[', ']'], ""),
    }
}

/// Whether the second word makes a command, and no sentence that begins with the name of the program.
fn is_command(second: &str) -> bool {
    let parsed = apimon::cli::check(["apimon", second]);
    !parsed.is_err_and(|error| error.kind() == ErrorKind::InvalidSubcommand)
}

#[test]
fn every_command_line_is_one() {
    let mut seen = 0;
    for document in handbook::documents().unwrap() {
        for command in document.commands("apimon", is_command) {
            // The rest is for the reader to fill in.
            let words: Vec<String> = words(&command)
                .iter()
                .filter(|word| *word != "...")
                .map(|word| filled_in(word))
                .collect();
            seen += 1;
            if let Err(error) = apimon::cli::check(words.iter().map(String::as_str)) {
                let asked = matches!(
                    error.kind(),
                    ErrorKind::DisplayHelp
                        | ErrorKind::DisplayVersion
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                        // Named in a sentence, not told to be typed.
                        | ErrorKind::MissingRequiredArgument
                );
                assert!(asked, "{}: `{command}`: {error}", document.name);
            }
        }
    }
    assert!(seen > 60, "only {seen} found");
}

#[test]
fn every_configuration_loads() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("apimon.toml");
    let mut seen = 0;
    for document in handbook::documents().unwrap() {
        for block in document.blocks("toml") {
            seen += 1;
            fs::write(&file, block).unwrap();
            if let Err(error) = config::load(Some(&file), &Overrides::default()) {
                panic!("{}:\n{block}\n{error}", document.name);
            }
        }
    }
    assert!(seen >= 5, "only {seen} found");
}

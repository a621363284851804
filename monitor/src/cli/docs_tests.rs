//! What the documents tell people to type is understood: every command line is parsed, every piece of configuration
//! loaded.

use std::{fs, path::PathBuf};

use clap::{Parser as _, error::ErrorKind};

use super::Cli;
use crate::config::{self, Overrides};

/// README and `docs/`, by name.
fn documents() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = vec![root.join("README.md")];
    let of_dir = fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths.extend(of_dir.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    paths.sort();
    let read = |path: PathBuf| (path.display().to_string(), fs::read_to_string(path).unwrap());
    paths.into_iter().map(read).collect()
}

/// Words as a shell would take them, without what stands in `#` comments.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What stands for something is replaced by such a thing.
fn filled_in(word: &str) -> String {
    match word {
        "NET" => "203.0.113.0/24".to_owned(),
        "ADDRESS" => "203.0.113.9".to_owned(),
        "N" | "NUMBER" | "ID" => "1".to_owned(),
        "FILE" | "TEXT" => "some".to_owned(),
        _ => word.replace(['[', ']'], ""),
    }
}

/// Command lines: in fenced or indented blocks, and between backticks.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let bare = line.trim();
        let bare = bare.strip_prefix("$ ").unwrap_or(bare);
        let bare = bare.strip_prefix("sudo ").unwrap_or(bare);
        if bare.starts_with("apimon ") && (line.starts_with("    ") || !line.contains('`')) && !is_prose(bare)
        {
            found.push(bare.to_owned());
        }
        let between = line.split('`').skip(1).step_by(2);
        found.extend(
            between
                .filter(|code| code.starts_with("apimon "))
                .map(str::to_owned),
        );
    }
    found
}

/// A sentence that begins with the name of the program.
fn is_prose(line: &str) -> bool {
    let second = line.split(' ').nth(1).unwrap_or_default();
    Cli::try_parse_from(["apimon", second]).is_err_and(|error| error.kind() == ErrorKind::InvalidSubcommand)
}

fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    text.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn every_command_line_is_one() {
    let mut seen = 0;
    for (name, text) in documents() {
        for command in commands(&text) {
            // The rest is for the reader to fill in.
            let words = words(&command);
            let words: Vec<String> = words
                .iter()
                .filter(|word| *word != "...")
                .map(|word| filled_in(word))
                .collect();
            if words.len() == 1 {
                continue;
            }
            seen += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                let asked = matches!(
                    error.kind(),
                    ErrorKind::DisplayHelp
                        | ErrorKind::DisplayVersion
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                        // Named in a sentence, not told to be typed.
                        | ErrorKind::MissingRequiredArgument
                );
                assert!(asked, "{name}: `{command}`: {error}");
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
    for (name, text) in documents() {
        for block in blocks(&text, "toml") {
            seen += 1;
            fs::write(&file, block).unwrap();
            if let Err(error) = config::load(Some(&file), &Overrides::default()) {
                panic!("{name}:\n{block}\n{error}");
            }
        }
    }
    assert!(seen >= 5, "only {seen} found");
}

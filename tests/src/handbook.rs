//! What README and `docs/` tell people to type: command lines, and pieces of shell and configuration. Must not know
//! what they do.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

/// One document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name below the root of the repository.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// README and the documents of `docs/`, in order of their names.
pub fn documents() -> Result<Vec<Document>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let of_dir = fs::read_dir(root.join("docs")).context("cannot read docs")?;
    let mut names = vec!["README.md".to_owned()];
    for entry in of_dir {
        let name = entry?.file_name();
        let is_text = PathBuf::from(&name).extension().is_some_and(|kind| kind == "md");
        names.extend(is_text.then(|| format!("docs/{}", name.to_string_lossy())));
    }
    names.sort();
    let read = |name: String| {
        let text = fs::read_to_string(root.join(&name)).with_context(|| name.clone())?;
        Ok(Document { name, text })
    };
    names.into_iter().map(read).collect()
}

impl Document {
    /// One of [`documents`].
    pub fn named(name: &str) -> Result<Self> {
        let all = documents()?;
        let found = all.into_iter().find(|document| document.name == name);
        found.with_context(|| format!("there is no {name}"))
    }

    /// The commands of `program`: lines of blocks, fenced or indented, and what stands between backticks. A line that
    /// begins with the program's name and is a sentence is none: `is_command` tells by the second word.
    pub fn commands(&self, program: &str, is_command: impl Fn(&str) -> bool) -> Vec<String> {
        let begin = format!("{program} ");
        let mut found = Vec::new();
        for line in self.text.lines() {
            let bare = line.trim();
            let in_block = line.starts_with("    ") || !line.contains('`');
            let second = bare.split(' ').nth(1).unwrap_or_default();
            if in_block && bare.starts_with(&begin) && is_command(second) {
                found.push(bare.to_owned());
            }
            let between = line.split('`').skip(1).step_by(2);
            found.extend(between.filter(|code| code.starts_with(&begin)).map(str::to_owned));
        }
        found
    }

    /// The fenced blocks of a language.
    pub fn blocks(&self, language: &str) -> Vec<&str> {
        blocks(&self.text, language)
    }

    /// The fenced blocks of a language in one section of the second level.
    pub fn blocks_of(&self, section: &str, language: &str) -> Result<Vec<&str>> {
        let heading = format!("\n## {section}\n");
        let (_, rest) = self
            .text
            .split_once(&heading)
            .with_context(|| format!("{} has no section `{section}`", self.name))?;
        Ok(blocks(rest.split("\n## ").next().unwrap_or(rest), language))
    }
}

fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    text.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

/// Words as a shell would take them, without what stands in a comment.
pub fn words(line: &str) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document {
            name: "some.md".into(),
            text: text.into(),
        }
    }

    #[test]
    fn commands_stand_in_blocks_and_between_backticks() {
        let text = "apimon reads this.\nSay `apimon status` or `ls`.\n```\napimon top   # all\n```\n    apimon tail\n";
        let found = document(text).commands("apimon", |word| word != "reads");
        assert_eq!(found, ["apimon status", "apimon top   # all", "apimon tail"]);
    }

    #[test]
    fn blocks_have_a_language_and_a_section() {
        let text =
            "# A\n```sh\none\n```\n\n## B\n```toml\nx = 1\n```\n```sh\ntwo\n```\n## C\n```sh\nthree\n```\n";
        let document = document(text);
        assert_eq!(document.blocks("sh"), ["one\n", "two\n", "three\n"]);
        assert_eq!(document.blocks_of("B", "sh").unwrap(), ["two\n"]);
        assert!(document.blocks_of("D", "sh").is_err());
    }

    #[test]
    fn words_are_a_shell_s() {
        assert_eq!(words("a 'b c' \"d#\" e#f # g"), ["a", "b c", "d#", "e#f"]);
    }
}

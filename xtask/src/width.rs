//! Comments are no wider than what is read at one glance: rustfmt on stable leaves them alone. Must not change files.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{layers::collect, run};

/// Columns of a line with a comment.
const COLUMNS: usize = 120;
/// Where our source is.
const FOLDERS: [&str; 7] = [
    "monitor",
    "monitor-common",
    "monitor-ebpf/src",
    "tests/src",
    "tests/tests",
    "tests/fuzz/targets",
    "xtask",
];

/// Fails with one line for each comment that is too wide.
pub(crate) fn run() -> Result<()> {
    let root = run::workspace();
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut files)?;
    }
    let mut wide = 0;
    for file in &files {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        for number in too_wide(&text) {
            let path = file.strip_prefix(&root).unwrap_or(file);
            eprintln!(
                "{}:{number}: a comment of more than {COLUMNS} columns",
                path.display()
            );
            wide += 1;
        }
    }
    if wide > 0 {
        bail!("{wide} comments are too wide");
    }
    println!(
        "width: the comments of {} files keep to {COLUMNS} columns",
        files.len()
    );
    Ok(())
}

/// The numbers of the lines that are.
fn too_wide(text: &str) -> impl Iterator<Item = usize> {
    let wide = |line: &str| line.trim_start().starts_with("//") && line.chars().count() > COLUMNS;
    (1..)
        .zip(text.lines())
        .filter(move |(_, line)| wide(line))
        .map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comments_are_held_to_it() {
        let long = "x".repeat(COLUMNS);
        let text = format!("// fine\nlet x = \"{long}\";\n    /// {long}\n//{long}\n");
        assert_eq!(too_wide(&text).collect::<Vec<_>>(), [3, 4]);
    }
}

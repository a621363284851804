//! Reads the names a file uses, from its text. Must not know which are allowed.

use std::collections::BTreeSet;

/// The text without comments, string literals and the tests at its end.
pub(super) fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    text.lines()
        .map(|line| line.split("//").next().unwrap_or(line))
        .map(without_strings)
        .collect::<Vec<_>>()
        .join("\n")
}

/// One line without what stands between double quotes.
fn without_strings(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The top-level modules behind every `crate::` in `code`, also in `crate::{a::b, c}`.
pub(super) fn crate_modules(code: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (at, marker) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + marker.len()..];
        match rest.strip_prefix('{') {
            Some(group) => modules.extend(group_heads(group)),
            None => modules.extend(identifier(rest)),
        }
    }
    modules
}

/// The first identifier of each entry of a braced list, whose opening brace is already gone.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0_usize;
    let mut entry = String::new();
    for c in group.chars() {
        match (c, depth) {
            ('}', 0) => break,
            (',', 0) => heads.extend(identifier(&std::mem::take(&mut entry))),
            ('{', _) => depth += 1,
            ('}', _) => depth -= 1,
            (c, 0) => entry.push(c),
            _ => {}
        }
    }
    heads.extend(identifier(&entry));
    heads
}

/// The identifier at the start of `text`. Modules are lower case; a macro or type of the crate root is not a module.
fn identifier(text: &str) -> Option<String> {
    let text = text.trim_start();
    let name: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let is_module = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    (is_module && !text[name.len()..].starts_with('!')).then_some(name)
}

/// Whether `code` uses the crate or path `name`: a crate only as the head of a path, since a variable may have its
/// name.
pub(super) fn mentions(code: &str, name: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = &code[..at];
        let after = &code[at + name.len()..];
        let ends = if name.contains("::") {
            !after.starts_with(part_of_name)
        } else {
            after.starts_with("::")
        };
        ends && !before.ends_with(part_of_name) && !before.ends_with("::")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_groups_and_paths() {
        let code = code(concat!(
            "use crate::{\n    flow::{FlowKey, Peer}, // crate::no\n    time::Timestamp,\n    limits,\n};\n",
            "fn f() -> crate::http::Transaction { \"crate::not\"; mycrate::nor; crate::vec![] }\n",
        ));
        let found: Vec<_> = crate_modules(&code).into_iter().collect();
        assert_eq!(found, ["flow", "http", "limits", "time"]);
    }

    #[test]
    fn a_crate_is_the_head_of_a_path_only() {
        assert!(mentions("use tokio::net;", "tokio"));
        assert!(!mentions(
            "use hyper_util::rt::tokio::X; let not_tokio::Y;",
            "tokio"
        ));
        assert!(!mentions("let tokio = 1;", "tokio"));
        assert!(mentions("use std::fs;", "std::fs"));
        assert!(!mentions("use std::fsx;", "std::fs"));
    }
}

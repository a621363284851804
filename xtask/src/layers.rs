//! `cargo xtask layers`: holds the imports of `monitor/src` against the drawing in ARCHITECTURE.md.
//!
//! Text is enough for this: paths that begin with `crate::` and the names of crates that only adapters may use.
//! Tests inside modules are exempt (they compose what they test).

mod scan;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run;

/// Fails with one line for each import against the direction.
pub(crate) fn run() -> Result<()> {
    let root = run::workspace().join("monitor/src");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let path = file.strip_prefix(&root).unwrap_or(file);
        wrong.extend(check(path, &text));
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    if wrong.is_empty() {
        println!("layers: {} files of monitor/src keep the direction", files.len());
        Ok(())
    } else {
        bail!("{} imports against the direction (ARCHITECTURE.md)", wrong.len())
    }
}

/// The complaints about one file.
fn check(path: &Path, text: &str) -> Vec<String> {
    let module = module_of(path);
    if is_test(path) {
        return Vec::new();
    }
    let Some(layer) = table::LAYERS.iter().find(|layer| layer.module == module) else {
        return vec![format!(
            "monitor/src/{}: module `{module}` is not in xtask/src/layers/table.rs; say there what it may know",
            path.display()
        )];
    };
    let code = scan::code(text);
    let modules = scan::crate_modules(&code)
        .into_iter()
        .filter(|used| used != &module && !layer.may_use(used))
        .map(|used| format!("crate::{used}"));
    let crates = table::ADAPTER_CRATES
        .iter()
        .filter(|name| !layer.crates.contains(name) && scan::mentions(&code, name))
        .map(|name| (*name).to_owned());
    modules
        .chain(crates)
        .map(|what| format!("monitor/src/{}: `{module}` must not use `{what}`", path.display()))
        .collect()
}

/// Whether a file holds tests only: `tests.rs`, `NAME_tests.rs`, or something below `tests/`.
fn is_test(path: &Path) -> bool {
    path.with_extension("").components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part == "tests" || part.ends_with("_tests")
    })
}

/// The top-level module a file belongs to.
fn module_of(path: &Path) -> String {
    let first = path
        .components()
        .next()
        .map(|c| c.as_os_str().to_string_lossy().into_owned());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// All Rust files below `dir`.
pub(crate) fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_may_not_reach_up_or_out() {
        let wrong = check(
            Path::new("stream/table.rs"),
            "use crate::{flow::Peer, detect::Finding};\nuse aya::Ebpf;\n// use tokio::net;\n",
        );
        assert_eq!(
            wrong,
            [
                "monitor/src/stream/table.rs: `stream` must not use `crate::detect`",
                "monitor/src/stream/table.rs: `stream` must not use `aya`",
            ]
        );
    }

    #[test]
    fn tests_inside_a_module_are_exempt() {
        let text = "use crate::flow::Peer;\n#[cfg(test)]\nmod tests {\n    use crate::judge::Judge;\n}\n";
        assert_eq!(check(Path::new("stream/mod.rs"), text), Vec::<String>::new());
        for file in [
            "stream/tests.rs",
            "stream/tests/order.rs",
            "stream/table_tests.rs",
        ] {
            assert_eq!(
                check(Path::new(file), "use crate::judge::Judge;"),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn an_unknown_module_is_reported() {
        assert_eq!(check(Path::new("nonsense.rs"), "").len(), 1);
    }
}

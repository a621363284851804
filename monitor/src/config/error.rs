//! Configuration errors: file, place, key and mend in one message. Must not know what the keys mean.

use std::path::{Path, PathBuf};

use crate::config::suggest;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML, or a key is unknown or has a wrong value.
    #[error("{path}:{line}: {message}\n  | {excerpt}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong, and the mend where there is an obvious one.
        message: String,
        /// The line itself.
        excerpt: String,
    },
    /// A variable of the environment names no key, or has a wrong value.
    #[error("the environment variable {name}: {message}")]
    Environment {
        /// Its name.
        name: String,
        /// What is wrong, and the mend where there is an obvious one.
        message: String,
    },
    /// A value is well-formed but cannot be used.
    #[error("{key}: {message}")]
    Value {
        /// The key, or the flag, whose value it is.
        key: &'static str,
        /// What is wrong and how to mend it.
        message: String,
    },
}

impl ConfigError {
    pub(super) fn from_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let excerpt = text.lines().nth(line - 1).unwrap_or_default().trim().to_owned();
        Self::Parse {
            path: path.into(),
            line,
            message: mended(error.message()),
            excerpt,
        }
    }
}

/// Replaces serde's list of all names by the nearest one, where the message is about an unknown name.
pub(super) fn mended(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (Some(unknown), true) = (quoted.next(), message.starts_with("unknown ")) else {
        return message.trim_end().replace('\n', "; ");
    };
    let what = if message.starts_with("unknown field") {
        "key"
    } else {
        "value"
    };
    let known: Vec<&str> = quoted.collect();
    match suggest::nearest(unknown, &known) {
        Some(right) => format!("unknown {what} `{unknown}`; did you mean `{right}`?"),
        None => format!("unknown {what} `{unknown}`; known here: {}", known.join(", ")),
    }
}

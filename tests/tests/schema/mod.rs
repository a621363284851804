//! Holds the lines of a log against the published JSON Schema.

use std::path::Path;

use serde_json::Value;

/// Every line is JSON and valid, and there are some.
///
/// # Panics
/// If not; the message names the line and what is wrong with it.
#[expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "part of suites, which fail by panicking"
)]
pub(crate) fn assert_valid(log: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema/apimon-log.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    assert!(!log.is_empty(), "the log is empty");
    for line in log.lines() {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let wrong: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(wrong.is_empty(), "{}\nin {line}", wrong.join("\n"));
    }
}

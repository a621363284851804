//! `cargo xtask test`: every suite there is, with one result line at the end.
//!
//! Must not know what the suites test.

use anyhow::{Result, bail};

use crate::{
    package, run,
    setup::{self, Purpose, is_root},
};

/// Flags of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the suites that need neither root nor a BPF toolchain; installs nothing.
    #[arg(long)]
    pub(crate) unprivileged: bool,
    /// Passed on to the test programs (a filter, --nocapture, ...).
    #[arg(last = true)]
    pub(crate) rest: Vec<String>,
}

/// Runs the suites.
pub(crate) fn run(options: &Options) -> Result<()> {
    let privileged = !options.unprivileged && is_root();
    if privileged {
        setup::run(Purpose::Test)?;
    }
    let mut tally = Tally::default();
    let passed = suites(privileged, &options.rest, &mut tally)?;
    println!("\n{}", tally.line(passed));
    if !passed {
        bail!("a suite failed");
    }
    if !privileged && !options.unprivileged {
        bail!(
            "the suites in the kernel and in network namespaces were not run: they need root.\n\
             Run them with `sudo -E env PATH=\"$PATH\" cargo xtask test`,\n\
             or say `cargo xtask test --unprivileged` if the others are all you want"
        );
    }
    Ok(())
}

/// One build and run of all suites; the feature adds those that need root.
fn suites(privileged: bool, rest: &[String], tally: &mut Tally) -> Result<bool> {
    let mut args = vec![
        "test",
        "--workspace",
        "--exclude",
        "monitor-ebpf",
        "--no-fail-fast",
    ];
    if privileged {
        args.extend(["--features", "apimon-tests/privileged,apimon-tests/package"]);
    }
    args.push("--");
    args.extend(rest.iter().map(String::as_str));
    let mut cargo = if privileged {
        let mut cargo = run::cargo_with_kernel(args);
        // Of the program that the tests build anyway.
        cargo.env("APIMON_DEB", package::deb("dev")?);
        cargo
    } else {
        run::cargo(args)
    };
    run::run_seeing(&mut cargo, |line| tally.see(line))
}

/// Sums the result lines of the test programs.
#[derive(Default, PartialEq, Eq, Debug)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    programs: u64,
}

impl Tally {
    /// Takes one line of output; others than result lines change nothing.
    fn see(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        self.programs += 1;
        let counts = counts.split_once(". ").map_or(counts, |(_, counts)| counts);
        for part in counts.split(';') {
            if let Some((count, what)) = part.trim().split_once(' ') {
                let count = count.parse().unwrap_or(0);
                match what {
                    "passed" => self.passed += count,
                    "failed" => self.failed += count,
                    "ignored" => self.ignored += count,
                    _ => {}
                }
            }
        }
    }

    /// The last line, in cargo's own form.
    fn line(&self, passed: bool) -> String {
        let word = if passed { "ok" } else { "FAILED" };
        format!(
            "test result: {word}. {} passed; {} failed; {} ignored; {} test programs",
            self.passed, self.failed, self.ignored, self.programs
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_others_are_not() {
        let mut tally = Tally::default();
        tally.see("running 3 tests");
        tally.see(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        tally.see("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s");
        assert_eq!(
            tally,
            Tally {
                passed: 4,
                failed: 2,
                ignored: 1,
                programs: 2
            }
        );
        assert_eq!(
            tally.line(false),
            "test result: FAILED. 4 passed; 2 failed; 1 ignored; 2 test programs"
        );
    }
}

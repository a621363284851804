//! Errors to exit codes and messages: the one place where they are mapped. Must not know where errors come from.

use std::{io, process::ExitCode};

use crate::{
    config::ConfigError,
    control::{SocketError, client::ClientError},
    kernel::KernelError,
    state::lock::LockError,
};

/// Wrong usage or configuration; clap uses the same.
const USAGE: u8 = 2;
/// No daemon to be reached.
const UNREACHABLE: u8 = 3;
/// The daemon refused.
const REFUSED: u8 = 4;
/// Another instance is running.
const RUNNING: u8 = 5;
/// Missing privilege.
const PRIVILEGE: u8 = 6;
/// A check found something that is not as it should be.
const UNSOUND: u8 = 7;

/// A check was made, and found what the message says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unsound(pub(super) String);

/// Says what went wrong, if something did, and gives the exit code for it.
pub(super) fn code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if is_broken_pipe(&error) {
        // The reader has seen enough (`| head`): that is no failure.
        return ExitCode::SUCCESS;
    }
    complain(&error);
    ExitCode::from(code_of(&error))
}

/// Writes the error with its causes; one that is already part of the message above it is left out.
fn complain(error: &anyhow::Error) {
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !said.contains(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
    }
    let line = format!("apimon: {said}\n");
    // If stderr is gone there is nobody to tell.
    drop(io::Write::write_all(&mut io::stderr(), line.as_bytes()));
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn code_of(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<Unsound>() {
            return UNSOUND;
        }
        if cause.is::<ConfigError>() {
            return USAGE;
        }
        if let Some(error) = cause.downcast_ref::<ClientError>() {
            return client(error);
        }
        if let Some(LockError::Held { .. }) = cause.downcast_ref() {
            return RUNNING;
        }
        if let Some(SocketError::InUse(_)) = cause.downcast_ref() {
            return RUNNING;
        }
        if let Some(KernelError::Privilege { .. }) = cause.downcast_ref() {
            return PRIVILEGE;
        }
    }
    1
}

fn client(error: &ClientError) -> u8 {
    match error {
        ClientError::Unreachable { .. } => UNREACHABLE,
        ClientError::Permission { .. } => PRIVILEGE,
        ClientError::Refused(_) => REFUSED,
        ClientError::Protocol(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::dto::Refused;
    use anyhow::Context as _;

    #[test]
    fn codes_follow_the_root_cause() {
        let refused = || ClientError::Refused(Refused::not_found("no"));
        let held = || LockError::Held {
            path: "/x".into(),
            pid: Some(1),
            flag: "state-dir",
        };
        for (error, code) in [
            (anyhow::anyhow!("plain"), 1),
            (refused().into(), REFUSED),
            (
                Err::<(), _>(refused()).context("while asking").unwrap_err(),
                REFUSED,
            ),
            (held().into(), RUNNING),
            (Unsound("a drift".into()).into(), UNSOUND),
            (KernelError::Privilege { operation: "bpf" }.into(), PRIVILEGE),
        ] {
            assert_eq!(code_of(&error), code, "{error:#}");
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert!(is_broken_pipe(&error));
    }
}

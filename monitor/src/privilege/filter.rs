//! Which system calls a thread may make that reads bytes of strangers (seccomp(2)). Must not know who it is.
//!
//! Two filters: what is not on the list is refused, so that a C library that wants something new goes on without it;
//! and what only an intruder wants ends the process at once. Of two answers the kernel takes the harder.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// What the thread is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Reads a ring and writes into maps: parse threads and the judge.
    Live,
    /// Reads a file that is open and writes to standard output; may start threads that are held alike.
    Replay,
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters, to be put on in this order.
pub(super) fn programs(purpose: Purpose) -> Result<[BpfProgram; 2], BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let filter = |rules, otherwise, named| -> Result<BpfProgram, BackendError> {
        SeccompFilter::new(rules, otherwise, named, arch)?.try_into()
    };
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    Ok([
        filter(intrusions(), SeccompAction::Allow, SeccompAction::KillProcess)?,
        filter(allowed(purpose)?, refused, SeccompAction::Allow)?,
    ])
}

/// Whatever the arguments.
fn always(calls: &[i64]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

/// Other programs, other processes, other kernels.
fn intrusions() -> Rules {
    always(&[
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_mount,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_open_by_handle_at,
    ])
}

fn allowed(purpose: Purpose) -> Result<Rules, BackendError> {
    let mut rules = always(&[
        // input and output on what is open
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        // waiting
        libc::SYS_futex,
        libc::SYS_ppoll,
        libc::SYS_epoll_pwait,
        libc::SYS_epoll_pwait2,
        libc::SYS_nanosleep,
        libc::SYS_clock_nanosleep,
        libc::SYS_clock_gettime,
        libc::SYS_sched_yield,
        libc::SYS_restart_syscall,
        // memory; what could be executed is below
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        // the thread itself
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_getrandom,
        libc::SYS_rseq,
        libc::SYS_set_robust_list,
        libc::SYS_sched_getaffinity,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ]);
    #[cfg(target_arch = "x86_64")]
    rules.extend(always(&[libc::SYS_poll, libc::SYS_epoll_wait]));
    let writable_only = vec![rule(vec![masked(2, libc::PROT_EXEC.unsigned_abs().into(), 0)?])?];
    rules.insert(libc::SYS_mmap, writable_only.clone());
    rules.insert(libc::SYS_mprotect, writable_only);
    match purpose {
        Purpose::Live => {
            rules.insert(libc::SYS_bpf, of_maps()?);
        }
        Purpose::Replay => rules.extend(replaying()?),
    }
    Ok(rules)
}

/// Commands of bpf(2) that use a map whose descriptor the thread has.
fn of_maps() -> Result<Vec<SeccompRule>, BackendError> {
    /// Look up, update, delete, next key; look up and delete; the same in batches.
    const COMMANDS: [u64; 9] = [1, 2, 3, 4, 21, 24, 25, 26, 27];
    let equal = |command| rule(vec![condition(0, SeccompCmpOp::Eq, command)?]);
    COMMANDS.into_iter().map(equal).collect()
}

/// Files that are open, the width of a terminal, and threads (not processes).
fn replaying() -> Result<Rules, BackendError> {
    let mut rules = always(&[
        libc::SYS_lseek,
        libc::SYS_fstat,
        libc::SYS_pread64,
        libc::SYS_fsync,
        // The C library asks with a structure that a filter cannot look into, and then with the older call.
        libc::SYS_clone3,
        libc::SYS_statx,
        libc::SYS_prlimit64,
    ]);
    let threads = u64::from(libc::CLONE_THREAD.unsigned_abs());
    rules.insert(libc::SYS_clone, vec![rule(vec![masked(0, threads, threads)?])?]);
    let of_terminals = [libc::TCGETS, libc::TIOCGWINSZ]
        .into_iter()
        .map(|request| rule(vec![condition(1, SeccompCmpOp::Eq, request)?]))
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_ioctl, of_terminals);
    // Whether somebody wants to write to the capture (`source/mapped.rs`), and no other of its many uses.
    let lease = condition(1, SeccompCmpOp::Eq, libc::F_GETLEASE.unsigned_abs().into())?;
    rules.insert(libc::SYS_fcntl, vec![rule(vec![lease])?]);
    // The name of a thread, and no other of its many uses.
    let name = condition(0, SeccompCmpOp::Eq, libc::PR_SET_NAME.unsigned_abs().into())?;
    rules.insert(libc::SYS_prctl, vec![rule(vec![name])?]);
    Ok(rules)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}

fn condition(argument: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    condition(argument, SeccompCmpOp::MaskedEq(mask), value)
}

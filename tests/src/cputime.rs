//! CPU time of one processor's work: of the calling thread, and of the kernel thread that takes over soft interrupts
//! there. Must not know what the work is.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

/// One processor, to which the calling thread is bound.
#[derive(Debug)]
pub struct Processor {
    soft_interrupts: String,
}

impl Processor {
    /// Binds the calling thread to processor `number`, for good.
    pub fn bind(number: usize) -> Result<Self> {
        let mut set = rustix::thread::CpuSet::new();
        set.set(number);
        rustix::thread::sched_setaffinity(None, &set).context("cannot be bound to a processor")?;
        let name = format!("ksoftirqd/{number}");
        let processes = fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
        let found = processes
            .filter(|process| fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim() == name))
            .map(|process| process.join("schedstat").display().to_string())
            .next();
        Ok(Self {
            soft_interrupts: found.with_context(|| format!("there is no {name}"))?,
        })
    }

    /// CPU time so far.
    pub fn time(&self) -> Result<Duration> {
        Ok(run_time("/proc/thread-self/schedstat")? + run_time(&self.soft_interrupts)?)
    }
}

/// The first field: nanoseconds on a processor.
fn run_time(file: &str) -> Result<Duration> {
    let text = fs::read_to_string(file)?;
    let field = text.split_whitespace().next().context("no schedstat")?;
    Ok(Duration::from_nanos(field.parse()?))
}

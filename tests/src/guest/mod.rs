//! A virtual machine with another kernel than this host's, in which a shell script checks what apimon does there. Must
//! not know what is checked.
//!
//! qemu without hardware help: a machine that is a guest itself has none to give. What runs inside is packed from this
//! host: its `ip`, nginx and curl, and the apimon that was just built. There is no network, no disk, and nothing stays.

mod image;
mod kernel;

pub use self::kernel::Kernel;

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::programs;

/// Seconds after which a machine is given up: it takes four to six minutes.
const SECONDS_MAX: &str = "900";
/// What its last line says.
const DONE: &str = "guest: done";

/// What a machine's checks came to.
#[derive(Debug, Default)]
pub struct Checked {
    /// Checks that held.
    pub held: u32,
    /// Those that did not, each with what was seen.
    pub failed: Vec<String>,
}

/// Boots `kernel` with the apimon at `apimon`, in the directory `dir`, and hands every line that it writes to `line`.
pub fn check(kernel: &Kernel, apimon: &Path, dir: &Path, mut line: impl FnMut(&str)) -> Result<Checked> {
    let image = image::pack(kernel, apimon, dir)?;
    let mut qemu = qemu(kernel, &image)?;
    let written = qemu.stdout.take().context("qemu has no output")?;
    let (mut checked, mut done) = (Checked::default(), false);
    for written in BufReader::new(written).split(b'\n') {
        let written = written.context("cannot read what the machine writes")?;
        let text = String::from_utf8_lossy(&written);
        let text = text.trim_end();
        line(text);
        done |= text == DONE;
        if text.starts_with("ok ") {
            checked.held += 1;
        } else if let Some(failed) = text.strip_prefix("FAIL ") {
            checked.failed.push(failed.to_owned());
        }
    }
    let status = qemu.wait().context("cannot wait for qemu")?;
    ensure!(
        done,
        "the machine did not come to the end of its checks ({status})"
    );
    Ok(checked)
}

fn qemu(kernel: &Kernel, image: &Path) -> Result<std::process::Child> {
    if !programs::is_on_path("qemu-system-x86_64") {
        bail!("qemu-system-x86_64 is not installed: `cargo xtask kernels` installs it");
    }
    // Whoever starts it may be killed; the machine then ends by itself: `timeout` hands on a signal that it can catch.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--", "timeout", SECONDS_MAX]);
    command.args(["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max"]);
    command.args(["-m", "2048", "-smp", "2", "-nic", "none", "-no-reboot"]);
    command.args(["-display", "none", "-monitor", "none", "-serial", "stdio"]);
    command.args(["-append", "console=ttyS0 quiet panic=-1 mitigations=off"]);
    command
        .arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(image);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(image.with_extension("err"))?)
        .spawn()
        .context("cannot start qemu")
}

//! Sends frames on an interface of its namespace: one a line of standard input, in hexadecimal digits.

use std::io::BufRead;

use anyhow::{Context, Result};
use apimon_tests::packet_socket::PacketSocket;
use clap::Parser;

/// Sends the frames that standard input names.
#[derive(Parser)]
struct Args {
    /// Where to.
    interface: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let socket =
        PacketSocket::open(&args.interface).with_context(|| format!("cannot send on {}", args.interface))?;
    for line in std::io::stdin().lock().lines() {
        let frame = bytes_of(&line?).context("a line is not made of pairs of hexadecimal digits")?;
        socket.send(&frame).context("cannot send a frame")?;
    }
    Ok(())
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

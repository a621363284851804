//! Speaks a conversation that was written down (`apimon_tests::rehearsal`): `rehearse serve ADDRESS FILE`, and against
//! it `rehearse play ADDRESS FILE`.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use apimon_tests::rehearsal;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, address, file] = args.as_slice() else {
        bail!("usage: rehearse serve|play ADDRESS FILE");
    };
    let address: SocketAddr = address.parse()?;
    let lines = rehearsal::read(file.as_ref())?;
    match what.as_str() {
        "serve" => rehearsal::serve(address, lines),
        "play" => rehearsal::play(address, &lines),
        _ => bail!("usage: rehearse serve|play ADDRESS FILE"),
    }
}

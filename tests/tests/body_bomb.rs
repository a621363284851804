//! Ten gigabytes of blanks, once and twice compressed: reading them takes a few hundred kilobytes, and the traffic
//! behind them is read.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{fs, io::Write as _};

use apimon::{limits::Limits, stream::Side};
use apimon_tests::transcript::Stage;
use flate2::{Compress, Compression, FlushCompress, write::GzEncoder};

const BLOCK: usize = 1 << 20;
const BLOCKS: usize = 10 * 1024;

/// Gzip of ten gigabytes of blanks. After a full flush deflate knows nothing of what was before, so that one block can
/// stand there many times.
fn bomb() -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK);
    Compress::new(Compression::best(), false)
        .compress_vec(&vec![b' '; BLOCK], &mut block, FlushCompress::Full)
        .unwrap();
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    bomb.extend(block.repeat(BLOCKS));
    bomb.extend([3, 0]);
    bomb
}

/// The most memory that this process ever had, KiB (proc(5), `VmHWM`).
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
fn ten_gigabytes_of_blanks() {
    let once = bomb();
    assert!(once.len() > 9_000_000, "{} bytes", once.len());
    let mut twice = GzEncoder::new(Vec::new(), Compression::best());
    twice.write_all(&once).unwrap();
    let twice = twice.finish().unwrap();
    let bodies = [("gzip", once), ("gzip, gzip", twice)];
    let mut stage = Stage::new(false, Limits::default());
    let before = peak_kib();
    for (coding, body) in &bodies {
        let head = format!(
            "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stage.data(Side::Opener, head.as_bytes(), None);
        body.chunks(1460)
            .for_each(|piece| stage.data(Side::Opener, piece, None));
    }
    let last = b"POST /next HTTP/1.1\r\nContent-Length: 8\r\n\r\n{\"id\":1}";
    stage.data(Side::Opener, last, None);
    let grown = peak_kib() - before;
    assert!(grown < 4096, "{grown} KiB");
    let heard = stage.finish();
    assert_eq!(heard.lines.len(), 3, "{:?}", heard.lines);
    for (name, expected) in [("bodies_bombs", 2), ("bodies_read", 3), ("bodies_fields", 1)] {
        assert!(
            heard.counters.contains(&(name, expected)),
            "{name}: {:?}",
            heard.counters
        );
    }
}

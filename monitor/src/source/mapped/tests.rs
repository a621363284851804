//! Files in memory, so that the file system of the machine does not matter.

use std::{
    fs::{OpenOptions, Permissions},
    io::Write as _,
    os::{
        fd::AsFd,
        unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    },
    path::PathBuf,
};

use rustix::fs::{MemfdFlags, memfd_create};

use super::*;
use crate::source::Capture;

/// The address of an open file, under which it can be opened once more.
fn address(file: impl AsFd) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()).into()
}

/// A file that only its owner may write to, open for reading.
fn file(bytes: &[u8]) -> File {
    let mut made = File::from(memfd_create("capture", MemfdFlags::CLOEXEC).unwrap());
    made.set_permissions(Permissions::from_mode(0o600)).unwrap();
    made.write_all(bytes).unwrap();
    File::open(address(&made)).unwrap()
}

/// Records of these lengths, each of bytes of its own.
fn capture(lengths: &[usize]) -> Vec<u8> {
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let mut bytes = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1]);
    for (at, len) in (1..).zip(lengths) {
        let short = u32::try_from(*len).unwrap();
        bytes.extend(words(&[at, 0, short, short]));
        bytes.extend(std::iter::repeat_n(at.to_le_bytes()[0], *len));
    }
    bytes
}

/// What is read: lengths with the first byte, and how it ended. `at` is told before each packet.
fn read(mut capture: Capture, mut at: impl FnMut(usize)) -> (Vec<(usize, u8)>, Option<String>) {
    let mut seen = Vec::new();
    loop {
        at(seen.len());
        match capture.next_packet() {
            Ok(Some(packet)) => {
                let first = packet.bytes.first().copied().unwrap_or_default();
                assert!(packet.bytes.iter().all(|byte| *byte == first));
                seen.push((packet.bytes.len(), first));
            }
            Ok(None) => return (seen, None),
            Err(error) => return (seen, Some(error.to_string())),
        }
    }
}

/// Longer than a part in all, one of them alone.
const LENGTHS: [usize; 7] = [70, 1 << 20, 3 << 20, 0, 5 << 20, 100_000, 9];

fn streamed(bytes: &[u8]) -> (Vec<(usize, u8)>, Option<String>) {
    let bytes = io::Cursor::new(bytes.to_vec());
    read(Capture::from_reader(Box::new(bytes)).unwrap(), |_| ())
}

#[test]
fn a_file_in_memory_says_what_a_stream_says() {
    let whole = capture(&LENGTHS);
    for len in [
        whole.len(),
        whole.len() - 1,
        whole.len() - 9,
        24 + 16 + 70,
        24 + 8,
    ] {
        let bytes = whole.get(..len).unwrap();
        let held = file(bytes);
        let mapped = Capture::from_file(Mapped::new(held).unwrap()).unwrap();
        assert_eq!(read(mapped, |_| ()), streamed(bytes), "{len}");
    }
}

/// The signal that the kernel sends then must not end the process, either.
#[test]
fn who_wants_to_write_gets_the_file_and_the_rest_is_read() {
    let bytes = capture(&LENGTHS);
    let held = file(&bytes);
    let path = address(&held);
    let mut writer = None;
    let open = || {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(libc::O_NONBLOCK).open(&path)
    };
    let again = Mapped::new(File::open(&path).unwrap()).unwrap();
    let seen = read(Capture::from_file(again).unwrap(), |packets| match packets {
        2 => assert!(open().is_err(), "the lease is held"),
        7 => writer = open().ok(),
        _ => {}
    });
    assert_eq!(seen, streamed(&bytes));
    assert!(writer.is_some(), "the lease was given back");
}

#[test]
fn what_somebody_may_change_is_not_mapped() {
    let bytes = capture(&[70]);
    let held = file(&bytes);
    let path = address(&held);
    let refused = || Mapped::new(File::open(&path).unwrap()).is_err();
    assert!(!refused());
    let writer = OpenOptions::new().write(true).open(&path).unwrap();
    assert!(refused(), "open for writing");
    drop(writer);
    assert!(!refused());
    for mode in [0o620, 0o602] {
        held.set_permissions(Permissions::from_mode(mode)).unwrap();
        assert!(refused(), "{mode:o}");
    }
    let (end, _other) = io::pipe().unwrap();
    assert!(Mapped::new(File::from(std::os::fd::OwnedFd::from(end))).is_err());
}

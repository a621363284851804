//! No allocation a segment or a header on the common path: a counting allocator, and captures that differ only in the
//! number of their transactions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::Cursor,
};

use apimon::{
    body::BodySettings,
    http::transaction::{Transaction, TransactionSink},
    judge::JudgeSettings,
    limits::Limits,
    observe::identity::InstallKey,
    pipeline::{NoTransactions, Pipeline},
    reader::Reader,
    source::Capture,
};
use apimon_tests::workload;

/// The system's allocator, counting.
struct Counting;

thread_local! {
    /// Allocations and growths of this thread; the harness has others.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by its nature; this one passes all on"
)]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps what `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System`, with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as `alloc` and `dealloc`.
        unsafe { System.realloc(at, layout, new_size) }
    }
}

/// Transactions of the shorter capture, and of the longer one.
const FEW: u64 = 2_000;
const MANY: u64 = 6_000;

/// A capture of eight connections that are kept alive to the end.
fn capture(transactions: u64) -> Capture {
    let mut bytes = Vec::new();
    workload::write_with(&mut bytes, transactions, u64::MAX).unwrap();
    Capture::from_reader(Box::new(Cursor::new(bytes))).unwrap()
}

/// Allocations while `work` reads a capture.
fn allocations(transactions: u64, work: impl FnOnce(&mut Capture)) -> u64 {
    let mut capture = capture(transactions);
    let before = ALLOCATIONS.get();
    work(&mut capture);
    ALLOCATIONS.get() - before
}

#[derive(Default)]
struct Count(u64);

impl TransactionSink for Count {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.0 += u64::from(transaction.response.is_some());
    }
}

fn read(transactions: u64) -> u64 {
    allocations(transactions, |capture| {
        let (mut reader, mut sink) = (Reader::new(Limits::default()), Count::default());
        while let Some(packet) = capture.next_packet().unwrap() {
            reader.packet(&packet, &mut sink);
        }
        assert_eq!(sink.0, transactions);
    })
}

fn judge(transactions: u64) -> u64 {
    let bodies = BodySettings {
        requests: false,
        responses: false,
        ..BodySettings::default()
    };
    allocations(transactions, |capture| {
        let key = InstallKey([7; 16]);
        let mut pipeline = Pipeline::new(Limits::default(), bodies, JudgeSettings::default(), key);
        while let Some(packet) = capture.next_packet().unwrap() {
            pipeline.packet(&packet, &mut NoTransactions);
        }
        assert_eq!(pipeline.judge_stats().observations, transactions);
    })
}

#[test]
fn reading_more_transactions_allocates_no_more() {
    read(1); // What is set up once in a process.
    assert_eq!(read(FEW), read(MANY));
}

/// The path of an observation is the one thing that it owns, and is written over that of a spent one. The detectors'
/// tables take in actors and objects that are new, which this workload has in about every fourth request.
#[test]
fn judging_allocates_for_what_is_new_and_little_else() {
    judge(1);
    let more = judge(MANY) - judge(FEW);
    let requests = MANY - FEW;
    assert!(more < requests / 2, "{more} allocations in {requests} requests");
}

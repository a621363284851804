//! The judge's thread: questions, batches and what is lost.

use super::*;
use crate::{
    journal::{JournalSettings, JournalThread},
    judge::JudgeSettings,
    observe::identity::InstallKey,
    pipeline::NoLeases,
    time::Clock,
};

fn started() -> (tempfile::TempDir, JudgeThread, JournalThread) {
    let dir = tempfile::tempdir().unwrap();
    let (journal, writer) =
        JournalThread::start(&JournalSettings::file(dir.path().join("a.jsonl"), 1 << 20)).unwrap();
    let judge = Judge::new(JudgeSettings::default(), InstallKey([0; 16]));
    let clock = Arc::new(LiveClock::new(Clock));
    let thread = JudgeThread::start(judge, Box::new(NoLeases), journal, None, clock, || {}).unwrap();
    (dir, thread, writer)
}

#[test]
fn questions_are_answered_on_the_judges_thread() {
    let (_dir, thread, writer) = started();
    let name = thread
        .handle()
        .call(|_| std::thread::current().name().map(str::to_owned));
    assert_eq!(name.unwrap().as_deref(), Some("judge"));
    assert!(!thread.is_over());
    thread.stop().unwrap();
    writer.close();
}

#[test]
fn judged_batches_come_back_as_many_as_are_kept() {
    let (_dir, thread, writer) = started();
    let handle = thread.handle();
    assert!(handle.spent().is_none());
    for _ in 0..SPENT + 2 {
        handle.observe(vec![crate::observe::tests::observation(); 2]);
    }
    // Questions are answered between batches.
    let judged = || handle.call(|bench| bench.judge.stats().observations).unwrap_or(0);
    while judged() < 2 * (SPENT as u64 + 2) {
        std::thread::yield_now();
    }
    let batches: Vec<_> = std::iter::from_fn(|| handle.spent()).collect();
    assert_eq!(batches.len(), SPENT);
    assert!(batches.iter().all(|batch| batch.len() == 2));
    thread.stop().unwrap();
    writer.close();
}

#[test]
fn a_full_channel_is_counted_and_waits_for_nobody() {
    let (_dir, thread, writer) = started();
    let handle = thread.handle();
    let (enter, entered) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let blocked = std::thread::spawn({
        let handle = handle.clone();
        move || {
            handle.call(move |_| {
                enter.send(()).unwrap();
                left.recv().unwrap();
            })
        }
    });
    entered.recv().unwrap();
    for _ in 0..BATCHES + 3 {
        handle.observe(Vec::new());
    }
    handle.observe(vec![crate::observe::tests::observation(); 2]);
    assert_eq!(handle.lost_observations(), 2);
    leave.send(()).unwrap();
    blocked.join().unwrap().unwrap();
    thread.stop().unwrap();
    writer.close();
}

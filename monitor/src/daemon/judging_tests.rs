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

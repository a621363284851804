//! Any conversation through the HTTP stage: where its bytes are cut changes nothing, nor what is remembered of heads,
//! each request ends in one way, and no memory is kept beyond the limits nor behind the end.
//!
//! Behind a hole, and in a connection joined late, a message is looked for where a packet begins (`http/h1/search.rs`):
//! there the cuts do count, and only the other promises are held.
//!
//! The input is a script (`apimon_tests::script`), so that the corpus can be made from the transcripts.
#![no_main]

use apimon::limits::Limits;
use apimon_tests::script;
use libfuzzer_sys::fuzz_target;

const TIGHT_BYTES: usize = 2000;

fn tight() -> Limits {
    Limits {
        head_bytes: 400,
        header_fields: 4,
        pending_requests: 3,
        held_bytes: 300,
        http_bytes: TIGHT_BYTES,
        ..Limits::default()
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&size, text)) = input.split_first() else { return };
    let whole = script::play(text, Limits::default(), usize::MAX, |_| {});
    let cut = script::play(text, Limits::default(), usize::from(size % 16) + 1, |_| {});
    if script::is_seamless(text) {
        assert_eq!(whole.lines, cut.lines, "pieces of {}", size % 16 + 1);
    }
    let forgetful = Limits {
        former_heads: 0,
        ..Limits::default()
    };
    assert_eq!(
        whole.lines,
        script::play(text, forgetful, usize::MAX, |_| {}).lines,
        "without former heads"
    );
    assert_eq!((whole.kept_bytes, cut.kept_bytes), (0, 0));
    let tight = script::play(text, tight(), usize::MAX, |kept| assert!(kept <= TIGHT_BYTES));
    assert_eq!(tight.kept_bytes, 0);
    let counted = whole.counters.iter().find(|(name, _)| *name == "transactions");
    assert_eq!(counted.map(|(_, count)| *count), Some(whole.transactions as u64));
});

//! Any bytes as a capture file through the whole reader and the judge: no panic, no hang, and the packets add up.
#![no_main]

use std::io::Cursor;

use apimon::{
    body::BodySettings,
    http::transaction::{BodyPart, Mark, Part, Transaction, TransactionSink},
    limits::Limits,
    observe::{extract::Extractor, identity::InstallKey},
    reader::Reader,
    source::Capture,
};
use libfuzzer_sys::fuzz_target;

struct Extracting(Extractor);

impl TransactionSink for Extracting {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        let observation = self.0.extract(transaction);
        assert!(!observation.path.chars().any(char::is_control));
    }

    fn body(&mut self, part: &BodyPart<'_>, mark: &mut Mark) {
        self.0.body(part, mark);
    }

    fn body_ends(&mut self, _of: Part, whole: bool, mark: &mut Mark) {
        self.0.body_ends(whole, *mark);
    }
}

fuzz_target!(|file: &[u8]| {
    let Ok(mut capture) = Capture::from_reader(Box::new(Cursor::new(file.to_vec()))) else { return };
    let mut reader = Reader::new(Limits::default());
    let mut sink = Extracting(Extractor::new(InstallKey([7; 16]), BodySettings::BOTH));
    while let Ok(Some(packet)) = capture.next_packet() {
        reader.packet(&packet, &mut sink);
    }
    reader.finish(&mut sink);
});

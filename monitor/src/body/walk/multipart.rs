//! Multipart bodies (RFC 2046 section 5.1, RFC 7578): the parts, their names and values. Files and nested parts are
//! passed over; parts that are JSON are walked. Must not know where the bytes come from.

mod delimiter;
mod head;

use self::{
    delimiter::{Delimiter, Found},
    head::{Kind, PartHead},
};
use super::{Ground, ValueKind, Visitor, json::Json};
use crate::body::fact::BodyFact;

/// A multipart body in progress.
#[derive(Debug)]
pub(super) struct Multipart {
    delimiter: Delimiter,
    head: PartHead,
    state: State,
}

/// Where in the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first part.
    Preamble,
    /// In the head of a part.
    Head,
    /// In a part that is shown as a value.
    Value,
    /// In a part that is walked as JSON.
    Json,
    /// In a part that is passed over.
    Passed,
    /// Behind the last part.
    Epilogue,
}

impl Multipart {
    /// Part heads are kept up to `head_bytes`.
    pub(super) fn new(head_bytes: usize) -> Self {
        Self {
            delimiter: Delimiter::default(),
            head: PartHead::new(head_bytes),
            state: State::Preamble,
        }
    }

    /// Begins a body. `false` if there can be no such boundary.
    #[must_use]
    pub(super) fn begin(&mut self, boundary: &[u8]) -> bool {
        self.state = State::Preamble;
        self.head.clear();
        self.delimiter.begin(boundary)
    }

    /// Whether the last part was seen.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Epilogue
    }

    /// Walks on.
    pub(super) fn feed<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        json: &mut Json,
        bytes: &[u8],
        visitor: &mut V,
    ) {
        let mut rest = bytes;
        while !ground.stopped {
            if self.state == State::Epilogue {
                // Nothing behind the last part counts.
                ground.stopped = true;
                return;
            }
            if self.state == State::Head {
                let Some((&byte, tail)) = rest.split_first() else {
                    return;
                };
                rest = tail;
                if self.head.push(byte) {
                    self.part_begins(ground, json);
                }
                continue;
            }
            match self.delimiter.next(&mut rest) {
                None => return,
                Some(Found::Data(data)) => self.data(ground, json, data, visitor),
                Some(Found::Held) => {
                    let held = self.delimiter.take_held();
                    self.data(ground, json, held.as_slice(), visitor);
                }
                Some(Found::Delimiter { last, bare_lf }) => {
                    if bare_lf {
                        ground.facts.insert(BodyFact::BareLf);
                    }
                    self.part_ends(ground, json, visitor);
                    self.head.clear();
                    self.state = if last { State::Epilogue } else { State::Head };
                }
            }
        }
    }

    fn part_begins(&mut self, ground: &mut Ground, json: &mut Json) {
        // The empty line that ended the head can begin a delimiter: a part may have no content.
        self.delimiter.line_begins();
        let kind = self.head.read();
        if let Kind::Value | Kind::Json = kind {
            ground.trail.outside();
            ground.trail.begin_name();
            ground.trail.push_name(self.head.name());
            ground.name_ends();
        }
        self.state = match kind {
            Kind::Value => State::Value,
            Kind::Json => {
                ground.trail.base_here();
                *json = Json::default();
                State::Json
            }
            Kind::Passed(fact) => {
                ground.facts.insert(fact);
                State::Passed
            }
        };
    }

    fn data<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        json: &mut Json,
        data: &[u8],
        visitor: &mut V,
    ) {
        match self.state {
            State::Value => ground.kept.push(data),
            State::Json => {
                json.feed(ground, data, visitor);
                if std::mem::take(&mut ground.stopped) {
                    // One part that cannot be walked does not hide the others.
                    ground.kept.clear();
                    self.state = State::Passed;
                    ground.stopped = ground.facts.contains(BodyFact::TooManyFields);
                }
            }
            _ => {}
        }
    }

    fn part_ends<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, json: &mut Json, visitor: &mut V) {
        match self.state {
            State::Value => ground.show_kept(ValueKind::Text, visitor),
            State::Json if !json.finish(ground, visitor) => {
                ground.kept.clear();
                ground.facts.insert(BodyFact::Broken);
            }
            _ => {}
        }
        ground.trail.outside();
    }
}

//! Walks a decoded body and shows a visitor each field with its path and value, whatever the pieces its bytes come in.
//!
//! Any split of the same bytes gives the same calls. Must not know codings, messages, or what fields mean.

mod form;
mod guess;
mod json;
mod kept;
mod multipart;
mod names;
mod scan;
mod trail;

use self::{
    form::Form,
    guess::{Guess, Known},
    json::Json,
    kept::Kept,
    multipart::Multipart,
    names::Names,
    trail::Trail,
};
use crate::{
    body::{
        fact::{BodyFact, BodyFactSet},
        media::Media,
    },
    limits::BodyLimits,
};

/// Where a field stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path<'a> {
    /// The names from the outside in, each behind a `/`, with `/` and `~` in a name as `~1` and `~0` (as RFC 6901);
    /// `/~` for the elements of an array, whatever their number.
    pub bytes: &'a [u8],
    /// The last name in it, which for an element is that of the array. Empty where there is none.
    pub name: &'a [u8],
    /// Whether it is an element of an array.
    pub in_list: bool,
    /// Whether all of it was kept.
    pub whole: bool,
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Value<'a> {
    /// Its kind.
    pub kind: ValueKind,
    /// Its text without quotes and escapes; at most [`BodyLimits::value_bytes`], the first ones.
    pub bytes: &'a [u8],
    /// Its length, bytes, also beyond what was kept.
    pub len: u64,
}

impl Value<'_> {
    /// Whether `bytes` is all of it.
    pub fn is_whole(&self) -> bool {
        self.len == self.bytes.len() as u64
    }
}

/// Kinds of value. Containers are not shown, only what is in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueKind {
    /// A string of JSON, a field of a form or a part.
    Text,
    /// A number of JSON, as text; its syntax is not checked.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
}

/// What a [`Visitor`] says of a name; what the numbers mean is its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest(pub u8);

/// Sees the fields of a body.
pub trait Visitor {
    /// Whether every field is of use. Otherwise of one that is not the path is not worked out, which is most of the
    /// work;
    /// [`Self::field`] may be called for it all the same.
    #[inline]
    fn wants_all(&self) -> bool {
        true
    }

    /// What the name of a field says of its use; it is in one piece and as it was sent. The answer is remembered: all
    /// visitors of a [`Walker`] that do not want all fields say the same of a name.
    #[inline]
    fn interest(&self, name: &[u8]) -> Interest {
        let _ = name;
        Interest(0)
    }

    /// Whether a field may be of use of whose name this was said, and whose value is this, all of it.
    #[inline]
    fn wants(&self, interest: Interest, kind: ValueKind, value: &[u8]) -> bool {
        let _ = (interest, kind, value);
        true
    }

    /// One field. Called in the order of the bytes.
    fn field(&mut self, path: Path<'_>, value: Value<'_>);
}

/// Whether more bytes of the body are of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Going {
    /// They are.
    On,
    /// Nothing more will be looked at.
    Stopped,
}

/// What the walkers of all media share: path, names seen, kept bytes, facts, counts.
#[derive(Debug)]
struct Ground {
    trail: Trail,
    names: Names,
    guess: Guess,
    kept: Kept,
    facts: BodyFactSet,
    fields: u32,
    max_fields: u32,
    stopped: bool,
}

/// The way the present body is walked.
#[derive(Debug)]
enum Way {
    /// By its first byte.
    Sniff {
        otherwise: Option<Media>,
    },
    Json,
    Form,
    Multipart,
    /// Not at all.
    Not,
}

/// Walks one body after the other; its buffers are reused.
#[derive(Debug)]
pub struct Walker {
    ground: Ground,
    way: Way,
    json: Json,
    form: Form,
    multipart: Multipart,
}

impl Walker {
    /// A walker within these limits.
    pub fn new(limits: &BodyLimits) -> Self {
        Self {
            ground: Ground {
                trail: Trail::new(limits),
                names: Names::new(),
                guess: Guess::new(),
                kept: Kept::new(limits.value_bytes),
                facts: BodyFactSet::default(),
                fields: 0,
                max_fields: limits.fields,
                stopped: false,
            },
            way: Way::Not,
            json: Json::default(),
            form: Form::default(),
            multipart: Multipart::new(limits.part_head_bytes),
        }
    }

    /// Begins a body. `boundary` is that of a multipart body.
    pub fn begin(&mut self, media: Media, boundary: Option<&[u8]>) {
        self.ground.restart();
        self.json = Json::default();
        self.form = Form::default();
        self.way = match media {
            Media::Json => Way::Json,
            Media::Form => Way::Sniff {
                otherwise: Some(Media::Form),
            },
            Media::Unsaid => Way::Sniff { otherwise: None },
            Media::Multipart => Way::Multipart,
        };
        if media == Media::Multipart && !self.multipart.begin(boundary.unwrap_or_default()) {
            self.ground.stop(BodyFact::NoBoundary);
        }
    }

    /// Walks on over the next bytes.
    pub fn feed<V: Visitor + ?Sized>(&mut self, mut bytes: &[u8], visitor: &mut V) -> Going {
        if let Way::Sniff { otherwise } = self.way {
            self.sniff(otherwise, &mut bytes);
        }
        let ground = &mut self.ground;
        if !ground.stopped {
            match self.way {
                Way::Json => self.json.feed(ground, bytes, visitor),
                Way::Form => self.form.feed(ground, bytes, visitor),
                Way::Multipart => self.multipart.feed(ground, &mut self.json, bytes, visitor),
                Way::Sniff { .. } => {}
                Way::Not => ground.stopped = true,
            }
        }
        self.going()
    }

    /// The body is over: `whole`, or not all of it was seen.
    pub fn finish<V: Visitor + ?Sized>(&mut self, whole: bool, visitor: &mut V) {
        let ground = &mut self.ground;
        if !whole {
            ground.facts.insert(BodyFact::Incomplete);
        }
        if ground.stopped {
            return;
        }
        let complete = match self.way {
            // What was cut off in the middle of a field was no field.
            Way::Json => !whole || self.json.finish(ground, visitor),
            Way::Form => {
                if whole {
                    self.form.finish(ground, visitor);
                }
                true
            }
            Way::Multipart => !whole || self.multipart.is_complete(),
            Way::Sniff { .. } | Way::Not => true,
        };
        ground.stopped = true;
        if !complete {
            ground.facts.insert(BodyFact::Broken);
        }
    }

    /// Whether more bytes are of use.
    pub fn going(&self) -> Going {
        if self.ground.stopped {
            Going::Stopped
        } else {
            Going::On
        }
    }

    /// How the body is walked; `None` if it is not.
    pub fn media(&self) -> Option<Media> {
        match self.way {
            Way::Json => Some(Media::Json),
            Way::Form => Some(Media::Form),
            Way::Multipart => Some(Media::Multipart),
            Way::Sniff { otherwise } => otherwise,
            Way::Not => None,
        }
    }

    /// What was found beyond fields.
    pub fn facts(&self) -> BodyFactSet {
        self.ground.facts
    }

    /// How many fields were seen.
    pub fn fields(&self) -> u32 {
        self.ground.fields
    }

    /// Tells by the first byte that is not white space. A form may not begin with a bracket, so a JSON text that calls
    /// itself one (the habit of a well-known command line tool) is told from it.
    fn sniff(&mut self, otherwise: Option<Media>, bytes: &mut &[u8]) {
        *bytes = bytes.trim_ascii_start();
        self.way = match (bytes.first(), otherwise) {
            (None, _) => return,
            (Some(b'{' | b'['), _) => {
                self.ground.facts.insert(BodyFact::Sniffed);
                Way::Json
            }
            (Some(_), Some(_)) => Way::Form,
            (Some(_), None) => Way::Not,
        };
    }
}

impl Ground {
    fn restart(&mut self) {
        self.trail.restart();
        self.names.forget();
        self.kept.clear();
        self.facts = BodyFactSet::default();
        self.fields = 0;
        self.stopped = false;
    }

    /// Nothing behind is looked at, because of this.
    fn stop(&mut self, why: BodyFact) {
        self.facts.insert(why);
        self.stopped = true;
    }

    /// A name within the present object is complete.
    fn name_ends(&mut self) {
        let instance = self.trail.instance();
        match self.trail.whole_name() {
            Some(name) => {
                if self.names.is_known(instance, names::hash(name)) {
                    self.facts.insert(BodyFact::DuplicateName);
                }
            }
            None => self.facts.insert(BodyFact::LongPath),
        }
    }

    /// Shows a field whose value lies in one piece.
    #[inline]
    fn show<V: Visitor + ?Sized>(&mut self, kind: ValueKind, text: &[u8], visitor: &mut V) {
        let value = Value {
            kind,
            bytes: text.get(..self.kept.max()).unwrap_or(text),
            len: text.len() as u64,
        };
        visitor.field(self.trail.path(), value);
        self.count();
    }

    /// A name that lies whole.
    #[inline]
    fn whole_name(&mut self, name: &[u8], known: Option<Known>) {
        match known {
            Some(known) if known.nature.plain && self.trail.has_room(name.len()) => {
                self.trail.put_name(name);
                self.has_name(self.trail.instance(), known);
            }
            _ => {
                self.trail.begin_name();
                self.trail.push_name(name);
                self.name_ends();
            }
        }
    }

    /// The object of this number has this name.
    #[inline]
    fn has_name(&mut self, object: u32, known: Known) {
        if self.names.is_known(object, known.hash) {
            self.facts.insert(BodyFact::DuplicateName);
        }
    }

    /// Shows a field whose value was kept, and forgets the value.
    fn show_kept<V: Visitor + ?Sized>(&mut self, kind: ValueKind, visitor: &mut V) {
        let value = Value {
            kind,
            bytes: self.kept.bytes(),
            len: self.kept.len(),
        };
        visitor.field(self.trail.path(), value);
        self.kept.clear();
        self.count();
    }

    #[inline]
    fn count(&mut self) {
        self.fields += 1;
        if self.fields >= self.max_fields {
            self.stop(BodyFact::TooManyFields);
        }
    }
}

#[cfg(test)]
mod tests;

//! Bodies in passing to what judging needs of them: facts, counts, and the fields that may be object ids, without
//! values.
//!
//! What a body is called by the http stage (its mark) is a place in a table here: first a reading, then what was found,
//! until the transaction takes it. Must not know about detectors.

use super::{
    ObjectId,
    fields::Fields,
    identity::InstallKey,
    login::Told,
    names::{id_about, is_handle, may_be_id, stem_of},
    paths::Paths,
    person::Person,
    reference,
    shape::IdShape,
    words::{self, Tells},
};
use crate::{
    body::{
        BodyFact, BodySettings, BodyStats, Media, Read, Reading, ReadingPool,
        reading::Described,
        walk::{Going, Interest, Path, Value, ValueKind, Visitor},
    },
    http::{
        name::Name,
        transaction::{BodyPart, Head, Mark, Part},
    },
    limits::BodyLimits,
};

/// Longest id, bytes. Longer values are something else.
const ID_BYTES: usize = 128;

/// Lists of ids kept for the next bodies.
const SPARE: usize = 32;

/// What a body costs while its transaction is under way, bytes, beside its ids.
const HELD_BYTES: usize = size_of::<Slot>() + size_of::<Open>();

/// What was found of one body.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct BodyFacts {
    /// How it was read, and how far.
    pub read: Read,
    /// The fields that may be object ids, in their order; bounded.
    pub ids: Box<[BodyId]>,
    /// The persons that it names, where it is an answer; bounded.
    pub persons: Box<[Person]>,
    /// Keyed hash of the roles that an answer says somebody has, as tokens claim them; 0 for none.
    pub roles: u64,
}

/// One body when its transaction ends.
#[derive(Debug)]
pub(super) struct Found {
    /// For the observation.
    pub(super) facts: BodyFacts,
    /// Where it is a request: what its fields say.
    pub(super) fields: Fields,
    /// Where it is an answer: what it hands out.
    pub(super) told: Told,
}

impl BodyFacts {
    /// What the lists take, bytes.
    fn bytes(&self) -> usize {
        size_of_val(&*self.ids) + size_of_val(&*self.persons)
    }

    /// Whether the whole body was read, and all of its ids were kept.
    pub fn has_all_ids(&self) -> bool {
        [
            BodyFact::MoreIds,
            BodyFact::Cut,
            BodyFact::Incomplete,
            BodyFact::Shed,
        ]
        .into_iter()
        .all(|fact| !self.read.facts.contains(fact))
    }
}

/// A field of a body that may be an object id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct BodyId {
    /// Keyed hash of its path, elements of an array all having the same.
    pub path: u64,
    /// Stem of what its name is about ([`super::endpoint::stem`]), or of what the value says that it is; 0 where
    /// neither says.
    pub stem: u64,
    /// Which object, with a keyed hash of its value.
    pub id: ObjectId,
    /// What it looks like.
    pub shape: IdShape,
    /// Whether its name says that it is an id, or the value itself (`Patient/17`). If not, its shape does.
    pub named: bool,
    /// Whether only its place in an answer says that it may be one: an element of a list of values, or a number or code
    /// that things are told apart by.
    pub listed: bool,
}

/// Reads the bodies of one parse worker.
#[derive(Debug)]
pub struct Bodies {
    settings: BodySettings,
    pool: ReadingPool,
    slots: Vec<Slot>,
    free: Vec<u32>,
    paths: Paths,
    /// Lists of ids to be used again.
    spare: Vec<Vec<BodyId>>,
    /// Bytes of what was found and not yet taken.
    found_bytes: usize,
}

/// What stands behind a mark.
#[derive(Debug)]
enum Slot {
    Free,
    Open(Box<Open>),
    Found(Box<Found>),
}

/// A body being read.
#[derive(Debug)]
struct Open {
    of: Part,
    reading: Reading,
    /// Where the next byte belongs.
    next: u64,
    ids: Ids,
    fields: Fields,
    told: Told,
}

/// The ids of one body.
#[derive(Debug)]
struct Ids {
    found: Vec<BodyId>,
    max: usize,
    more: bool,
}

impl Bodies {
    /// Nothing was seen yet.
    pub fn new(settings: BodySettings, limits: BodyLimits, key: InstallKey) -> Self {
        Self {
            settings,
            pool: ReadingPool::new(limits),
            slots: Vec::new(),
            free: Vec::new(),
            paths: Paths::new(key),
            spare: Vec::new(),
            found_bytes: 0,
        }
    }

    /// Whether further bodies are read.
    pub fn set_open(&mut self, open: bool) {
        self.pool.set_open(open);
    }

    /// What was read and what not.
    pub fn stats(&self) -> BodyStats {
        self.pool.stats
    }

    /// Bodies that are being read, or that were and whose transaction is not over.
    pub fn held(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Takes bytes of a body.
    pub fn part(&mut self, part: &BodyPart<'_>, mark: &mut Mark) {
        if *mark == Mark::NEW {
            *mark = self.open(part.of, part.head).unwrap_or(Mark::DECLINED);
        }
        let Some(slot) = mark.get().and_then(|number| self.slots.get_mut(number as usize)) else {
            return;
        };
        let Slot::Open(open) = slot else { return };
        let missing = part.offset != open.next;
        open.next = part.offset + part.bytes.len() as u64;
        let mut collector = Collector {
            of: open.of,
            ids: &mut open.ids,
            fields: &mut open.fields,
            told: &mut open.told,
            paths: &mut self.paths,
        };
        if missing || self.pool.feed(&mut open.reading, part.bytes, &mut collector) == Going::Stopped {
            *mark = mark.enough();
            self.close(*mark, false);
        }
    }

    /// No more bytes of a body will come.
    pub fn ends(&mut self, whole: bool, mark: Mark) {
        self.close(mark, whole);
    }

    /// What was found of a body; to be called once for each mark when its transaction ends.
    pub fn take(&mut self, mark: Mark) -> Option<BodyFacts> {
        self.found(mark).map(|found| found.facts)
    }

    /// The same, with what is in it beside ids.
    pub(super) fn found(&mut self, mark: Mark) -> Option<Box<Found>> {
        let number = mark.get()?;
        self.close(mark, false);
        let slot = self.slots.get_mut(number as usize)?;
        let Slot::Found(found) = std::mem::replace(slot, Slot::Free) else {
            return None;
        };
        self.free.push(number);
        self.found_bytes = self.found_bytes.saturating_sub(found.facts.bytes());
        Some(found)
    }

    /// Begins to read the body behind this head, if it is to be read.
    fn open(&mut self, of: Part, head: Head<'_>) -> Option<Mark> {
        let limits = self.pool.limits();
        let (on, max_walked, max_ids) = match of {
            Part::Request => (
                self.settings.requests,
                self.settings.request_bytes,
                limits.request_ids,
            ),
            Part::Response => (
                self.settings.responses,
                self.settings.response_bytes,
                limits.response_ids,
            ),
        };
        if !on {
            return None;
        }
        let (media, described) = self.describe(head)?;
        if self.found_bytes + self.held() * HELD_BYTES >= self.pool.limits().found_bytes {
            self.pool.stats.shed += 1;
            return None;
        }
        let number = u32::try_from(self.free.last().map_or(self.slots.len(), |at| *at as usize)).ok()?;
        let mark = Mark::number(number)?;
        let reading = self.pool.open(media, &described, max_walked as usize)?;
        let slot = Slot::Open(Box::new(Open {
            of,
            reading,
            next: 0,
            ids: Ids {
                found: self.spare.pop().unwrap_or_default(),
                max: max_ids,
                more: false,
            },
            fields: Fields::default(),
            told: Told::default(),
        }));
        match self.free.pop().and_then(|at| self.slots.get_mut(at as usize)) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        Some(mark)
    }

    /// What a head says of its body, if it can be read.
    fn describe<'a>(&mut self, head: Head<'a>) -> Option<(Media, Described<'a>)> {
        let mut described = Described::default();
        let mut known = true;
        for field in head.fields() {
            if field.is == Name::ContentType {
                // Where there are several, the first counts for most servers.
                described.content_type = described.content_type.or(Some(field.value));
            } else if field.is == Name::ContentEncoding {
                known &= described.codings.add(field.value);
            }
        }
        let media = Media::of(described.content_type)?;
        if !known {
            self.pool.stats.unknown_coding += 1;
            return None;
        }
        Some((media, described))
    }

    /// Ends a reading, if it is still one.
    fn close(&mut self, mark: Mark, whole: bool) {
        let Some(slot) = mark.get().and_then(|number| self.slots.get_mut(number as usize)) else {
            return;
        };
        if !matches!(slot, Slot::Open(_)) {
            return;
        }
        let Slot::Open(open) = std::mem::replace(slot, Slot::Free) else {
            return;
        };
        let Open {
            of,
            reading,
            mut ids,
            mut fields,
            mut told,
            ..
        } = *open;
        let mut collector = Collector {
            of,
            ids: &mut ids,
            fields: &mut fields,
            told: &mut told,
            paths: &mut self.paths,
        };
        let mut read = self.pool.close(reading, whole, &mut collector);
        if fields.is_call {
            // JSON-RPC 2.0 section 4: what the answer is told by.
            let calls = [b"/id".as_slice(), b"/~/id"].map(|path| self.paths.look(path, b"id").hash);
            ids.found.retain(|id| !calls.contains(&id.path));
        }
        let mut persons = std::mem::take(&mut told.persons);
        let bytes = size_of_val(&*ids.found) + size_of_val(&*persons);
        if self.found_bytes + bytes > self.pool.limits().found_bytes {
            // The counts and facts stay.
            ids.found.clear();
            persons.clear();
            ids.more = true;
        }
        if read.facts.contains(BodyFact::SeveralValues) {
            // Texts behind one another have the same names.
            fields.given.forget();
        }
        if ids.more {
            read.facts.insert(BodyFact::MoreIds);
        }
        let facts = BodyFacts {
            read,
            ids: ids.found.as_slice().into(),
            persons: persons.into(),
            roles: told.roles,
        };
        self.found_bytes += facts.bytes();
        *slot = Slot::Found(Box::new(Found { facts, fields, told }));
        if self.spare.len() < SPARE {
            ids.found.clear();
            self.spare.push(ids.found);
        }
    }
}

/// What a name may tell, in the order of the numbers that stand for it in an [`Interest`], from 1.
const TELLS: [Tells; 7] = [
    Tells::Token,
    Tells::Fault,
    Tells::Success,
    Tells::Status,
    Tells::Message,
    Tells::Person,
    Tells::Role,
];
/// Stands in an [`Interest`] for a name that says that it is an id.
const NAMES_ID: u8 = 0x80;

/// Whether ids of a telling shape can be so long.
#[inline]
fn is_telling_length(len: usize) -> bool {
    matches!(len, 24 | 26 | 32 | 36 | 40 | 64)
}

/// Whether a value reads as what things are told apart by: two digits at least, or a short text with some. Measures and
/// words do not.
fn may_be_handle(value: &[u8]) -> bool {
    const SHORTEST: usize = 2;
    const LONGEST: usize = 40;
    (SHORTEST..=LONGEST).contains(&value.len())
        && value.iter().any(u8::is_ascii_digit)
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && value.first().is_some_and(|first| *first != b'-')
}

/// Puts each field where it belongs.
struct Collector<'a> {
    of: Part,
    ids: &'a mut Ids,
    fields: &'a mut Fields,
    told: &'a mut Told,
    paths: &'a mut Paths,
}

impl Visitor for Collector<'_> {
    #[inline]
    fn wants_all(&self) -> bool {
        self.of == Part::Request
    }

    fn interest(&self, name: &[u8]) -> Interest {
        let tells = words::tells(name);
        let place = tells.and_then(|tells| TELLS.iter().position(|known| *known == tells));
        let told = place.map_or(0, |place| place + 1);
        let id = if id_about(name).is_some() || is_handle(name) {
            NAMES_ID
        } else {
            0
        };
        Interest(id | u8::try_from(told).unwrap_or(0))
    }

    #[inline]
    fn wants(&self, Interest(interest): Interest, kind: ValueKind, value: &[u8]) -> bool {
        let told = usize::from(interest & !NAMES_ID);
        let tells = told.checked_sub(1).and_then(|place| TELLS.get(place));
        let scalar = matches!(kind, ValueKind::Text | ValueKind::Number);
        // Where the name does not say that it is an id, its shape may, which wants its length.
        scalar && (interest & NAMES_ID != 0 || is_telling_length(value.len()) || reference::may_be(value))
            || tells.is_some_and(|tells| Told::wants_of(*tells, kind, value))
            || Told::wants(value)
    }

    #[inline]
    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        match self.of {
            Part::Request => self.fields.field(path, value, &self.paths.key),
            Part::Response => self.told.field(path, value, &self.paths.key),
        }
        if !matches!(value.kind, ValueKind::Text | ValueKind::Number) {
            return;
        }
        let refers = reference::may_be(value.bytes);
        let by_shape = refers || usize::try_from(value.len).is_ok_and(is_telling_length);
        let listed = || self.of == Part::Response && (path.bytes.ends_with(b"/~") || is_handle(path.name));
        if by_shape || may_be_id(path.name) || listed() {
            self.candidate(path, value, refers);
        }
    }
}

impl Collector<'_> {
    /// A value that may be an id; `refers`: or a reference to an object.
    fn candidate(&mut self, path: Path<'_>, value: Value<'_>, refers: bool) {
        if value.len == 0 || value.len > ID_BYTES as u64 || !value.is_whole() {
            return;
        }
        let known = self.paths.look(path.bytes, path.name);
        let reference = refers.then(|| reference::read(value.bytes)).flatten();
        let refers = reference.filter(|refers| self.of == Part::Response || refers.bare);
        let (bytes, stem) = match refers {
            Some(refers) => (refers.id, stem_of(refers.about, &self.paths.key)),
            None => (value.bytes, known.stem),
        };
        let shape = IdShape::of(bytes);
        let named = known.named || refers.is_some();
        let certain = named || shape.is_telling();
        let listed = !certain && known.listed && self.of == Part::Response && may_be_handle(bytes);
        if !certain && !listed {
            return;
        }
        if self.ids.found.len() >= self.ids.max {
            // Rows of numbers are long, and most are none.
            self.ids.more |= certain;
            return;
        }
        self.ids.found.push(BodyId {
            path: known.hash,
            stem,
            id: ObjectId::new(bytes, &self.paths.key),
            shape,
            named,
            listed,
        });
    }
}

#[cfg(test)]
#[path = "bodies_tests.rs"]
mod tests;

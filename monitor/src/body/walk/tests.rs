//! What the walkers show, as one line a field, and that it does not depend on the pieces.

use proptest::prelude::*;

use super::*;

mod forms;
mod json;
mod multipart;

/// Writes down what it is shown.
#[derive(Default)]
struct Lines(Vec<String>);

impl Visitor for Lines {
    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        let text = value.bytes.escape_ascii();
        let kind = match value.kind {
            ValueKind::Text => 't',
            ValueKind::Number => 'n',
            ValueKind::Bool => 'b',
            ValueKind::Null => '0',
        };
        let mut line = format!("{} {kind} {text}", path.bytes.escape_ascii());
        if !value.is_whole() {
            line = format!("{line} of {}", value.len);
        }
        if !path.whole {
            line += " (path cut)";
        }
        self.0.push(line);
    }
}

/// The same, but wants only texts whose name is not long.
#[derive(Default)]
struct Picky(Lines);

impl Picky {
    fn likes(name: &[u8], kind: ValueKind) -> bool {
        kind == ValueKind::Text && name.len() <= 1
    }
}

impl Visitor for Picky {
    fn wants_all(&self) -> bool {
        false
    }

    fn interest(&self, name: &[u8]) -> Interest {
        Interest(u8::from(Self::likes(name, ValueKind::Text)))
    }

    fn wants(&self, interest: Interest, kind: ValueKind, _value: &[u8]) -> bool {
        interest == Interest(1) && kind == ValueKind::Text
    }

    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        if Self::likes(path.name, value.kind) {
            self.0.field(path, value);
        }
    }
}

/// Shows the likes of [`Picky`] and everything at once: what is left out changes nothing of the rest.
#[derive(Default)]
struct Both(Lines, Lines);

impl Visitor for Both {
    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        self.0.field(path, value);
        if Picky::likes(path.name, value.kind) {
            self.1.field(path, value);
        }
    }
}

fn small() -> BodyLimits {
    BodyLimits {
        path_bytes: 20,
        value_bytes: 12,
        fields: 8,
        part_head_bytes: 90,
        ..BodyLimits::default()
    }
}

/// Walks `text` in pieces and writes down fields, then facts.
fn walk_with(
    limits: &BodyLimits,
    media: Media,
    text: &[u8],
    whole: bool,
    mut piece: impl FnMut() -> usize,
) -> Vec<String> {
    let (mut walker, mut picky_walker) = (Walker::new(limits), Walker::new(limits));
    let (mut lines, mut picky) = (Both::default(), Picky::default());
    // A body before it, so that nothing of one may show in the next.
    walker.begin(Media::Json, None);
    walker.feed(br#"{"a":["\ud800"#, &mut lines);
    // Which names are forgotten for others depends on the number of the body: it has to be the same.
    picky_walker.begin(Media::Json, None);
    // What is remembered of the names changes nothing.
    picky_walker.feed(text, &mut Picky::default());
    picky_walker.begin(media, Some(b"XX"));
    lines = Both::default();
    walker.begin(media, Some(b"XX"));
    let mut rest = text;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
        let going = walker.feed(now, &mut lines);
        assert_eq!(picky_walker.feed(now, &mut picky), going);
        if going == Going::Stopped {
            break;
        }
        rest = later;
    }
    walker.finish(whole, &mut lines);
    picky_walker.finish(whole, &mut picky);
    let Both(Lines(mut all), Lines(liked)) = lines;
    assert_eq!(walker.fields() as usize, all.len());
    assert_eq!(
        (picky_walker.fields(), picky_walker.facts()),
        (walker.fields(), walker.facts())
    );
    assert_eq!(picky.0.0, liked);
    all.extend(walker.facts().names().map(|name| format!("! {name}")));
    all
}

/// The same with ordinary limits; checks that the pieces do not matter.
fn walk(media: Media, text: &[u8]) -> Vec<String> {
    let limits = BodyLimits::default();
    let whole = walk_with(&limits, media, text, true, || usize::MAX);
    for size in 1..8 {
        assert_eq!(
            walk_with(&limits, media, text, true, || size),
            whole,
            "pieces of {size}"
        );
    }
    whole
}

/// Checks that the pieces do not matter, with limits that are reached.
fn check_pieces(media: Media, text: &[u8], whole: bool, sizes: &[usize]) -> Result<(), TestCaseError> {
    for limits in [BodyLimits::default(), small()] {
        let mut next = sizes.iter().copied().cycle();
        let expected = walk_with(&limits, media, text, whole, || usize::MAX);
        let got = walk_with(&limits, media, text, whole, || next.next().unwrap_or(1));
        prop_assert_eq!(got, expected);
    }
    Ok(())
}

/// Text of these words, and of anything.
fn text_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec());
    let word = prop_oneof![12 => known, 1 => prop::collection::vec(any::<u8>(), 0..5)];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

//! What one path segment looks like, taken by itself: a word of the API, a value, or hard to say. Must not know what
//! other requests looked like: [`super::endpoint`] does.
//!
//! A wrong `Value` costs little (two static names share a template). A wrong `Word` may cost a secret in a log, since
//! words are shown. So whatever is long, mixed or unpronounceable is a value.

/// The look of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A name of the API: shown at once.
    Word,
    /// Could be either: kept apart, but shown only when seen from several sources; counts as a value when it has many
    /// siblings.
    Doubtful,
    /// An id or another value: a number, UUID, ULID, hash, token, address, encoded text.
    Value,
    /// A calendar date: a value, but of no object.
    Date,
}

/// Longest word, letters.
const WORD: usize = 20;
/// Longest compound of words, characters.
const COMPOUND: usize = 40;
/// Most consonants in a row in a word (`catchphrase`, `lengthsplit` reach 5).
const CONSONANTS: usize = 5;

/// Looks at a segment without its matrix parameters. Constant work per byte.
pub fn shape(segment: &str) -> Shape {
    let bytes = segment.as_bytes();
    if bytes.iter().all(u8::is_ascii_digit) {
        return Shape::Value;
    }
    if is_version(bytes) {
        return Shape::Word;
    }
    if is_date(bytes) {
        return Shape::Date;
    }
    let stem = strip_extension(bytes);
    let digits = stem.iter().filter(|b| b.is_ascii_digit()).count();
    let regular = stem
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b));
    if !regular || digits == stem.len() {
        return Shape::Value;
    }
    if digits == 0 {
        lettered(stem)
    } else {
        mixed(stem, digits)
    }
}

/// Letters and separators only.
fn lettered(text: &[u8]) -> Shape {
    let humps = humps(text);
    let upper = text.iter().all(|b| !b.is_ascii_lowercase());
    if text.len() > COMPOUND || humps.longest > WORD || (upper && humps.longest > 12) {
        return Shape::Value;
    }
    // Random letters change case too often, or have no vowels for long.
    if (text.len() >= 8 && humps.count * 3 > text.len() + 2) || longest_consonants(text) > CONSONANTS {
        return Shape::Value;
    }
    let separators = text.iter().filter(|b| b"-_.".contains(b)).count();
    if separators >= 4 {
        Shape::Doubtful
    } else {
        Shape::Word
    }
}

/// Letters and digits.
fn mixed(text: &[u8], digits: usize) -> Shape {
    let hex = text.iter().all(u8::is_ascii_hexdigit);
    let trailing = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let head = text.get(..text.len() - trailing).unwrap_or_default();
    let separated = trailing > 0 && head.last().is_some_and(|b| b"-_.".contains(b));
    let cases = text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    if text.len() >= if cases { 10 } else { 16 }
        || (hex && text.len() >= 8)
        || trailing >= 3
        || separated
        || digits >= 4
    {
        Shape::Value
    } else if text.len() <= 6 && digits == 1 {
        Shape::Word // oauth2, s3, 2fa, ipv4
    } else {
        Shape::Doubtful
    }
}

/// `v1`, `v2.1`, `V10`.
fn is_version(text: &[u8]) -> bool {
    match text.split_first() {
        Some((b'v' | b'V', rest)) => {
            (1..=5).contains(&rest.len())
                && rest.iter().all(|b| b.is_ascii_digit() || *b == b'.')
                && rest.first().is_some_and(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// `2024-02-29`.
fn is_date(text: &[u8]) -> bool {
    text.len() == 10
        && text.iter().enumerate().all(|(at, b)| {
            if at == 4 || at == 7 {
                *b == b'-'
            } else {
                b.is_ascii_digit()
            }
        })
}

/// Without a short file extension.
fn strip_extension(text: &[u8]) -> &[u8] {
    match text.iter().rposition(|&b| b == b'.') {
        Some(dot) if dot > 0 => {
            let (stem, extension) = text.split_at(dot);
            let short = (2..=6).contains(&extension.len());
            let letters = extension.iter().skip(1).all(u8::is_ascii_alphanumeric);
            let lettered = extension.iter().any(u8::is_ascii_alphabetic);
            if short && letters && lettered { stem } else { text }
        }
        _ => text,
    }
}

struct Humps {
    count: usize,
    longest: usize,
}

/// Parts between separators and at the humps of camel case.
fn humps(text: &[u8]) -> Humps {
    let mut humps = Humps { count: 0, longest: 0 };
    let (mut length, mut lower_before) = (0, true);
    for byte in text {
        if b"-_.".contains(byte) {
            (length, lower_before) = (0, true);
            continue;
        }
        if length == 0 || (byte.is_ascii_uppercase() && lower_before) {
            humps.count += 1;
            length = 0;
        }
        length += 1;
        lower_before = byte.is_ascii_lowercase();
        humps.longest = humps.longest.max(length);
    }
    humps
}

/// Longest row of small consonants; `y` counts as a vowel, capitals are acronyms.
fn longest_consonants(text: &[u8]) -> usize {
    let (mut longest, mut row) = (0, 0);
    for byte in text {
        let consonant = byte.is_ascii_lowercase() && !b"aeiouy".contains(byte);
        row = if consonant { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for word in [
            "api",
            "v1",
            "v2.1",
            "orders",
            "order-items",
            "getCustomerOrderHistory",
            "oauth2",
            "s3",
            "2fa",
            "internationalization",
            "robots.txt",
            "index.html",
            "jquery.min.js",
            "_debug",
            "healthz",
            "HTTPStatus",
            "api-docs",
            "TODO",
            "well-known",
            "graphql",
            "SOAPService",
        ] {
            assert_eq!(shape(word), Shape::Word, "{word}");
        }
    }

    #[test]
    fn values() {
        for value in [
            "1",
            "1042",
            "1042.json",
            "d2c7a9f0-1aaa-4bbb-8ccc-0123456789ab",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "deadbeef01",
            "ORD-2024-0017",
            "INV-7",
            "user1042",
            "IMG_0001.jpg",
            "a@example.org",
            "%D0%B6",
            "Jane%20Doe",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "QmFzZTY0VG9rZW5WYWx1ZQ==",
            "aGVsbG8gd29ybGQ",
            "xkcdqwrtzplmnbv",
            "PLANTEDSECRETINPATH",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "\\x00",
            "abc,def",
            "~jane",
        ] {
            assert_eq!(shape(value), Shape::Value, "{value}");
        }
        assert_eq!(shape("2024-02-29"), Shape::Date);
    }

    #[test]
    fn in_between() {
        for doubtful in ["hunter2", "user42", "how-to-make-good-cake", "tls13"] {
            assert_eq!(shape(doubtful), Shape::Doubtful, "{doubtful}");
        }
    }
}

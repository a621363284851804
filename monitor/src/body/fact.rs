//! What was found of a body beyond its fields, as facts. Must not judge them: detectors do.

use crate::named_set::named_set;

named_set! {
    /// One kind of fact.
    BodyFact,
    /// A set of [`BodyFact`].
    BodyFactSet(u32);

    /// Not read to its end, because as much as is read of one body had been read.
    Cut = 0, "cut";
    /// The message ended early, or bytes within it are missing: the fields before there are right.
    Incomplete = 1, "incomplete";
    /// Not read, or not to its end, because too many bodies were being read at once.
    Shed = 2, "shed";

    /// A content coding that is not known, or too many of them.
    UnknownCoding = 3, "unknown-coding";
    /// Bytes that the content coding does not allow.
    BrokenCoding = 4, "broken-coding";
    /// Decoding gave far more bytes than it took: a compression bomb, or very dull content.
    Bomb = 5, "bomb";
    /// Bytes behind the end of the coded data.
    TrailingBytes = 6, "trailing-bytes";

    /// Not well-formed: the fields before there were read, nothing behind.
    Broken = 7, "broken";
    /// Text in UTF-16 or UTF-32: not read.
    WideText = 8, "wide-text";
    /// Begins with a byte order mark.
    ByteOrderMark = 9, "byte-order-mark";
    /// The media type is absent or says something else; told by the first byte.
    Sniffed = 10, "sniffed";
    /// A guard against inclusion as a script stands before the JSON text: `)]}'`, `while(1);`, `for(;;);`.
    GuardPrefix = 11, "guard-prefix";
    /// Several JSON texts one behind the other (NDJSON, JSON text sequences).
    SeveralValues = 12, "several-values";
    /// A comma before a closing bracket.
    TrailingComma = 13, "trailing-comma";
    /// `NaN` or `Infinity`.
    OddLiteral = 14, "odd-literal";
    /// A `\u` escape of half a surrogate pair; read as U+FFFD.
    LoneSurrogate = 15, "lone-surrogate";
    /// One name twice in an object, a form or a multipart body. Looked for among the last few hundred names only.
    DuplicateName = 16, "duplicate-name";
    /// Nested deeper than is read: nothing behind.
    TooDeep = 17, "too-deep";
    /// More fields than are read: nothing behind.
    TooManyFields = 18, "too-many-fields";
    /// A path too long to be kept whole.
    LongPath = 19, "long-path";
    /// A `%` that begins no escape; read as it stands.
    BrokenEscape = 20, "broken-escape";
    /// A `;` in a form: some servers take it for `&`.
    Semicolon = 21, "semicolon";

    /// A multipart body without a usable boundary: not read.
    NoBoundary = 22, "no-boundary";
    /// A multipart body within a multipart body: passed over.
    NestedParts = 23, "nested-parts";
    /// A part that is a file: passed over, unless it is JSON.
    Files = 24, "files";
    /// The head of a part that cannot be read or is too long: the part was passed over.
    BrokenPart = 25, "broken-part";
    /// A line of a multipart body's framing that ends with LF alone.
    BareLf = 26, "bare-lf";

    /// A part in base64 or quoted-printable: passed over.
    CodedParts = 27, "coded-parts";

    /// More fields that may be object ids than are kept.
    MoreIds = 28, "more-ids";
}

//! Protocol oddities as facts. Must not judge them: detectors do.

use crate::named_set::named_set;

named_set! {
    /// One kind of oddity.
    Anomaly,
    /// A set of [`Anomaly`].
    AnomalySet(u64);

    /// Retransmitted bytes differ from those seen first.
    ConflictingOverlap = 0, "conflicting-overlap";

    /// A start line that is none: the direction is not parsed from there.
    InvalidStartLine = 1, "invalid-start-line";
    /// More or other white space in the start line than one space each (RFC 9112 section 3).
    StartLineSpaces = 2, "start-line-spaces";
    /// A version other than 1.0 and 1.1; read as 1.1 (RFC 9110 section 2.5), or as 1.0 if it is less.
    OddVersion = 3, "odd-version";
    /// A line that ends with LF alone (RFC 9112 section 2.2).
    BareLf = 4, "bare-lf";
    /// A CR that does not end a line.
    BareCr = 5, "bare-cr";
    /// A NUL byte in a head.
    NulByte = 6, "nul-byte";
    /// Another control byte in a head.
    ControlByte = 7, "control-byte";
    /// A field value folded over several lines (RFC 9112 section 5.2).
    ObsFold = 8, "obs-fold";
    /// White space before the first field (RFC 9112 section 2.2).
    LeadingWhitespace = 9, "leading-whitespace";
    /// White space between a field name and its colon (RFC 9112 section 5.1).
    SpaceBeforeColon = 10, "space-before-colon";
    /// A header line without a colon.
    MissingColon = 11, "missing-colon";
    /// A field name that is empty or no token.
    InvalidFieldName = 12, "invalid-field-name";
    /// More fields than the limit; the first ones were kept, all were looked at for framing.
    TooManyFields = 13, "too-many-fields";
    /// A head longer than the limit: the direction is not parsed from there.
    HeadTooLong = 14, "head-too-long";
    /// Empty lines before a response.
    LeadingEmptyLine = 15, "leading-empty-line";

    /// `Content-Length` and `Transfer-Encoding` in one message (RFC 9112 section 6.1).
    LengthWithTransferEncoding = 16, "content-length-with-transfer-encoding";
    /// The same `Content-Length` several times.
    RepeatedLength = 17, "repeated-content-length";
    /// Several `Content-Length` values that differ.
    ConflictingLength = 18, "conflicting-content-length";
    /// A `Content-Length` that is not a number, or too large a one.
    InvalidLength = 19, "invalid-content-length";
    /// A `Transfer-Encoding` whose last coding is not `chunked`.
    ChunkedNotFinal = 20, "chunked-not-final";
    /// `chunked` more than once.
    RepeatedChunked = 21, "repeated-chunked";
    /// `Transfer-Encoding` in an HTTP/1.0 message.
    TransferEncodingInHttp10 = 22, "transfer-encoding-in-http10";
    /// A transfer coding nobody registered.
    UnknownTransferCoding = 23, "unknown-transfer-coding";
    /// A framing field that some recipients read and others do not (malformed line, folded, odd bytes).
    DoubtfulFramingField = 24, "doubtful-framing-field";

    /// A chunk size that is no hexadecimal number.
    InvalidChunkSize = 25, "invalid-chunk-size";
    /// A chunk size of more than 64 bits.
    ChunkSizeOverflow = 26, "chunk-size-overflow";
    /// White space or CR between a chunk size and the end of its line.
    ChunkSizeSpaces = 27, "chunk-size-spaces";
    /// A line of the chunked coding that ends with LF alone.
    ChunkBareLf = 28, "chunk-bare-lf";
    /// Chunk data not followed by a line end.
    MissingChunkEnd = 29, "missing-chunk-end";
    /// A bare CR or LF within a chunk extension.
    InvalidChunkExtension = 30, "invalid-chunk-extension";

    /// A final response that no request can have asked for.
    UnsolicitedResponse = 31, "unsolicited-response";
    /// 101 without an Upgrade in the request.
    UnaskedSwitch = 32, "unasked-switch";

    /// A trusted proxy says of the client what cannot be, or two things: the source counts as the client.
    DoubtfulForwarding = 33, "doubtful-forwarding";

    /// A 2xx response to CONNECT that says how long its body is (RFC 9110 section 9.3.6): it comes from a server that
    /// opens no tunnel, and goes on reading requests.
    FramedTunnel = 34, "framed-tunnel";
}

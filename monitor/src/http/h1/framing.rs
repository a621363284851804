//! How the body of a message is delimited: RFC 9112 section 6.3, once for requests, once for responses.
//! Must not know where bytes come from.
//!
//! Where the RFC gives one reading, that reading is taken and what was odd is flagged. Where it says that the message
//! cannot be framed, or where recipients are known to differ, the direction is not parsed beyond this message.

use crate::http::{
    anomaly::{Anomaly, AnomalySet},
    h1::facts::{Coding, Facts, Length},
    transaction::Version,
};

/// How a body is delimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    /// This many bytes; zero if there is no body.
    Length(u64),
    /// The chunked coding.
    Chunked,
    /// Until the end of the connection.
    UntilClose,
    /// Cannot be told: nothing behind the head is parsed.
    Unknown,
    /// Another protocol follows the head.
    Tunnel,
}

/// A decision about one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Decision {
    /// How its body is delimited.
    pub(crate) framing: Framing,
    /// Whether the message behind the body begins where this one ends, for every recipient.
    pub(crate) certain: bool,
    /// What was odd.
    pub(crate) anomalies: AnomalySet,
}

/// What the request says about its response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Asked {
    /// It was HEAD: the response has no body.
    pub(crate) head: bool,
    /// It was CONNECT: a 2xx response opens a tunnel.
    pub(crate) connect: bool,
}

/// How the body of a request is delimited.
pub(crate) fn of_request(facts: &Facts, version: Version) -> Decision {
    if version == Version::Http09 {
        return Decision::new(facts, Framing::Length(0));
    }
    let mut decision = by_fields(facts, version, Framing::Length(0));
    if facts.coding == Coding::Other {
        // Item 4: a server must answer 400 and close.
        decision.framing = Framing::Unknown;
    }
    decision
}

/// How the body of a final response is delimited.
pub(crate) fn of_response(facts: &Facts, version: Version, status: u16, asked: Asked) -> Decision {
    let opens = asked.connect && (200..300).contains(&status);
    let framed = facts.length != Length::Absent || facts.coding != Coding::Absent;
    if status == 101 || opens && !framed {
        return Decision::new(facts, Framing::Tunnel);
    }
    let mut decision = if asked.head || status < 200 || status == 204 || status == 304 {
        Decision::new(facts, Framing::Length(0))
    } else {
        by_fields(facts, version, Framing::UntilClose)
    };
    if opens {
        decision.anomalies.insert(Anomaly::FramedTunnel);
    }
    decision
}

impl Decision {
    fn new(facts: &Facts, framing: Framing) -> Self {
        Self {
            framing,
            certain: !facts.doubtful,
            anomalies: facts.anomalies,
        }
    }
}

/// Items 3 to 8: what the fields say, or `otherwise`.
fn by_fields(facts: &Facts, version: Version, otherwise: Framing) -> Decision {
    let mut decision = Decision::new(facts, otherwise);
    let coded = matches!(facts.coding, Coding::Chunked | Coding::Other);
    if coded && facts.length != Length::Absent {
        // Item 3: the transfer coding counts.
        decision.anomalies.insert(Anomaly::LengthWithTransferEncoding);
    }
    if coded && version == Version::Http10 {
        // Section 6.1: framing is faulty, whoever forwarded this may have read it otherwise.
        decision.anomalies.insert(Anomaly::TransferEncodingInHttp10);
        decision.certain = false;
    }
    decision.framing = match (facts.coding, facts.length) {
        (Coding::Chunked, _) => Framing::Chunked,
        (Coding::Other, _) => {
            decision.anomalies.insert(Anomaly::ChunkedNotFinal);
            Framing::UntilClose
        }
        (_, Length::Known(n)) => Framing::Length(n),
        (_, Length::Invalid) => Framing::Unknown,
        (_, Length::Absent) => otherwise,
    };
    decision
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::name::Name;

    type Fields = &'static [(&'static str, &'static str)];

    fn facts(fields: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (name, value) in fields {
            facts.field(Name::of(name.as_bytes()), value.as_bytes());
        }
        facts
    }

    const CL: (&str, &str) = ("Content-Length", "5");
    const CHUNKED: (&str, &str) = ("Transfer-Encoding", "chunked");
    const GZIP: (&str, &str) = ("Transfer-Encoding", "gzip");

    #[test]
    fn requests() {
        use Framing::{Chunked, Length, Unknown};
        let cases: [(Fields, Version, Framing, bool); 8] = [
            (&[], Version::Http11, Length(0), true),
            (&[CL], Version::Http11, Length(5), true),
            (&[CL, ("Content-Length", "6")], Version::Http11, Unknown, true),
            (&[CHUNKED], Version::Http11, Chunked, true),
            (&[CL, CHUNKED], Version::Http11, Chunked, true),
            (&[CHUNKED], Version::Http10, Chunked, false),
            (&[GZIP], Version::Http11, Unknown, true),
            (&[CL], Version::Http09, Length(0), true),
        ];
        for (fields, version, framing, certain) in cases {
            let decision = of_request(&facts(fields), version);
            assert_eq!(
                (decision.framing, decision.certain),
                (framing, certain),
                "{fields:?} {version:?}"
            );
        }
    }

    #[test]
    fn responses() {
        use Framing::{Chunked, Length, Tunnel, Unknown, UntilClose};
        let plain = Asked::default();
        let head = Asked {
            head: true,
            connect: false,
        };
        let connect = Asked {
            head: false,
            connect: true,
        };
        let cases: [(Fields, u16, Asked, Framing); 16] = [
            (&[], 200, plain, UntilClose),
            (&[CL], 200, plain, Length(5)),
            (&[CL], 200, head, Length(0)),
            (&[CHUNKED], 200, head, Length(0)),
            (&[CL], 204, plain, Length(0)),
            (&[CL], 304, plain, Length(0)),
            (&[CHUNKED], 200, plain, Chunked),
            (&[CL, CHUNKED], 200, plain, Chunked),
            (&[GZIP], 200, plain, UntilClose),
            (&[("Content-Length", "+5")], 200, plain, Unknown),
            (&[], 200, connect, Tunnel),
            // Section 9.3.6 of RFC 9110 forbids it to who opens a tunnel.
            (&[CL], 200, connect, Length(5)),
            (&[CHUNKED], 201, connect, Chunked),
            (&[CL], 204, connect, Length(0)),
            (&[CL], 407, connect, Length(5)),
            (&[], 101, plain, Tunnel),
        ];
        for (fields, status, asked, framing) in cases {
            let decision = of_response(&facts(fields), Version::Http11, status, asked);
            assert_eq!(decision.framing, framing, "{fields:?} {status} {asked:?}");
        }
    }
}

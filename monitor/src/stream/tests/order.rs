//! Any segmentation, reordering and duplication within limits is heard as the same two streams.

use proptest::prelude::*;

use super::*;

/// A segment to be sent: by the client or not, where, and which bytes.
type Part = (bool, usize, std::ops::Range<usize>);

/// What was heard of each side, without how it was cut.
fn texts(heard: &[String]) -> (String, String, String) {
    let (mut client, mut server, mut rest) = (String::new(), String::new(), String::new());
    for line in heard {
        let Some((who, what)) = line.split_once(':') else {
            continue;
        };
        match (who.trim_end_matches('!'), what.rsplit_once('@')) {
            ("c", Some((bytes, _))) => client.push_str(bytes),
            ("s", Some((bytes, _))) => server.push_str(bytes),
            _ => rest.push_str(line),
        }
    }
    (client, server, rest)
}

/// Cuts `text` at `cuts`.
fn cut(text: &str, cuts: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut at: Vec<usize> = cuts.iter().map(|c| c % text.len()).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.dedup();
    at.windows(2).map(|w| w[0]..w[1]).collect()
}

proptest! {
    #[test]
    fn any_cutting_and_shuffling_is_heard_the_same(
        isns: (u32, u32),
        cuts in proptest::collection::vec(0usize..200, 0..12),
        order in proptest::collection::vec(any::<u32>(), 40),
        twice in proptest::collection::vec(any::<bool>(), 40),
        with_handshake: bool,
    ) {
        let request = format!("Q{}", "request ".repeat(20));
        let answer = format!("A{}", "answer ".repeat(24));
        let mut parts: Vec<Part> = Vec::new();
        parts.extend(cut(&request, &cuts).into_iter().map(|range| (true, 0, range)));
        parts.extend(cut(&answer, &cuts).into_iter().map(|range| (false, request.len(), range)));
        let again: Vec<Part> = parts.iter().zip(&twice).filter(|(_, twice)| **twice).map(|(p, _)| p.clone()).collect();
        parts.extend(again);
        let mut keyed: Vec<(u32, Part)> = order.iter().copied().zip(parts).collect();
        keyed.sort_by_key(|(key, _)| *key);
        let mut t = Talk::new();
        t.isns(isns.0, isns.1);
        if with_handshake {
            t.handshake();
        } else {
            // So that the parts are certain although the first byte may not come first.
            t.s(SYN | ACK, -1, 0, "");
        }
        for (_, (client, ack, range)) in keyed {
            let (text, seq) = if client { (&request, range.start) } else { (&answer, range.start) };
            let bytes = &text[range];
            let (seq, ack) = (i64::try_from(seq).unwrap(), i64::try_from(ack).unwrap());
            t.send(client, ACK, seq, ack, bytes, bytes.len());
        }
        let heard = t.heard();
        let (client, server, rest) = texts(&heard);
        prop_assert_eq!(client, request);
        prop_assert_eq!(server, answer);
        prop_assert_eq!(rest, "");
        let first_answer = heard.iter().position(|h| h.starts_with('s')).unwrap();
        prop_assert!(heard[first_answer..].iter().all(|h| h.starts_with('s')), "an answer came before its question");
    }

    #[test]
    fn whatever_comes_nothing_breaks_and_all_is_accounted_for(
        segments in proptest::collection::vec(
            (any::<bool>(), 0u8..32, -40i64..400, -40i64..400, 0usize..60, 0usize..20, 0u64..4000),
            0..120,
        ),
        reorder_bytes in 100usize..2000,
    ) {
        let limits = Limits { reorder_bytes, reorder_ranges: 5, buffered_bytes: 1500, ..Limits::default() };
        let mut t = Talk::with(&limits);
        for (client, flags, seq, ack, len, more, wait) in segments {
            t.wait(wait % 700).send(client, flags, seq, ack, &"Q".repeat(len), len + more);
            prop_assert!(t.table.stats().buffered_bytes <= 1500 + 60);
        }
        t.finish();
    }
}

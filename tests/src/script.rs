//! Conversations as bytes, for fuzzing: what one end says stands as it is, and [`MARK`] with a letter says the rest.
//! Must not know about packets.
//!
//! | behind the mark | means |
//! |---|---|
//! | `c`, `s` | the client, the server says what follows |
//! | `g` and a byte | that many bytes of the present side are missing |
//! | `a` and a byte | the sender of what follows had received all but that many bytes |
//! | `f`, `r` | the present side ends: with FIN, with a reset |
//! | `m` | the connection was joined late (only at the beginning) |

use apimon::{
    limits::Limits,
    stream::{End, Side},
};

use crate::transcript::{Heard, Stage, Step, Transcript};

/// Begins what is not said. Seldom in text, and no beginning of a UTF-8 sequence.
pub const MARK: u8 = 0xfe;

/// Plays a script in pieces of at most `piece` bytes; `kept` sees the kept bytes after each.
pub fn play(script: &[u8], limits: Limits, piece: usize, mut kept: impl FnMut(usize)) -> Heard {
    let midstream = script.starts_with(&[MARK, b'm']);
    let mut stage = Stage::new(midstream, limits);
    let mut side = Side::Opener;
    let mut ended = [false; 2];
    let mut behind = 0;
    let mut rest = script;
    while let Some((said, tail)) = next(rest) {
        let [of_opener, of_other] = &mut ended;
        let over = if side == Side::Opener { of_opener } else { of_other };
        rest = tail;
        match said {
            Said::Bytes(bytes) if !*over => {
                let acked = Some(stage.sent(other(side)).saturating_sub(behind));
                for bytes in bytes.chunks(piece) {
                    stage.data(side, bytes, acked);
                    kept(stage.kept_bytes());
                }
            }
            Said::Gap(len) if !*over && len > 0 => stage.gap(side, len),
            Said::End(how) if !*over => {
                *over = true;
                stage.end(side, how);
            }
            Said::Side(now) => (side, behind) = (now, 0),
            Said::Behind(bytes) => behind = bytes,
            Said::Bytes(_) | Said::Gap(_) | Said::End(_) | Said::Nothing => {}
        }
    }
    stage.finish()
}

/// Whether every byte from the beginning of the connection on is heard.
pub fn is_seamless(script: &[u8]) -> bool {
    !script.windows(2).any(|pair| matches!(pair, [MARK, b'm' | b'g']))
}

/// A transcript as a script, as far as a script can say it.
pub fn from_transcript(transcript: &Transcript) -> Vec<u8> {
    let mut script = Vec::new();
    if transcript.midstream {
        script.extend([MARK, b'm']);
    }
    let turn = |script: &mut Vec<u8>, side| {
        script.extend([MARK, if side == Side::Opener { b'c' } else { b's' }]);
    };
    for step in &transcript.steps {
        match step {
            Step::Data { side, bytes, .. } => {
                turn(&mut script, *side);
                script.extend(bytes);
            }
            Step::Gap(side, len) => {
                turn(&mut script, *side);
                script.extend([MARK, b'g', u8::try_from(*len).unwrap_or(u8::MAX)]);
            }
            Step::End(side, how) => {
                turn(&mut script, *side);
                script.extend([MARK, if *how == End::Reset { b'r' } else { b'f' }]);
            }
            Step::Conflict(_) => {}
        }
    }
    script
}

/// One thing that a script says.
enum Said<'a> {
    Bytes(&'a [u8]),
    Side(Side),
    Gap(u64),
    Behind(u64),
    End(End),
    Nothing,
}

fn next(script: &[u8]) -> Option<(Said<'_>, &[u8])> {
    let len = script
        .iter()
        .position(|byte| *byte == MARK)
        .unwrap_or(script.len());
    if let Some((bytes, tail)) = script
        .split_at_checked(len)
        .filter(|(bytes, _)| !bytes.is_empty())
    {
        return Some((Said::Bytes(bytes), tail));
    }
    Some(match script {
        [_, b'c', tail @ ..] => (Said::Side(Side::Opener), tail),
        [_, b's', tail @ ..] => (Said::Side(Side::Other), tail),
        [_, b'g', len, tail @ ..] => (Said::Gap(u64::from(*len)), tail),
        [_, b'a', len, tail @ ..] => (Said::Behind(u64::from(*len)), tail),
        [_, b'f', tail @ ..] => (Said::End(End::Fin), tail),
        [_, b'r', tail @ ..] => (Said::End(End::Reset), tail),
        [_, tail @ ..] => (Said::Nothing, tail),
        [] => return None,
    })
}

fn other(side: Side) -> Side {
    if side == Side::Opener {
        Side::Other
    } else {
        Side::Opener
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_says_what_its_transcript_says() {
        let text = ">>>\nGET / HTTP/1.1\n\n<<<\nHTTP/1.1 200 OK\nContent-Length: 5\n\nhello\\\n>>| fin\n<<| fin\n---\n";
        let script = from_transcript(&Transcript::parse(text));
        for piece in [1, 7, usize::MAX] {
            let heard = play(&script, Limits::default(), piece, |_| {});
            assert_eq!(heard.lines, ["GET / 1.1 - -> 200 0 5"]);
        }
    }

    /// Found by fuzzing: the end of the server was forgotten where nothing was read before it, and the request kept for
    /// ever.
    #[test]
    fn an_end_before_the_first_message_is_not_forgotten() {
        for begin in [&b"\xfem\xfesbody"[..], b"\xfes"] {
            for end in [b'f', b'r'] {
                let script = [begin, &[MARK, end], b"\xfecGET / HTTP/1.1\r\n\r\n"].concat();
                let heard = play(&script, Limits::default(), 4, |_| {});
                assert_eq!(heard.kept_bytes, 0, "{}", script.escape_ascii());
                assert_eq!(heard.lines.len(), 1, "{:?}", heard.lines);
            }
        }
    }
}

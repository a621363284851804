//! What the credentials of one client are worth. The weights are explained in the head comment of the detector. Must
//! not know how they are remembered.

use super::{
    Settings,
    client::{InTurn, Pool, Refused},
};
use crate::detect::points::{Points, climb};

/// Owners that went on using theirs.
const RETURNED: u32 = 3;
/// Most points for what may be a gateway or a broken job after all.
const MOST: i32 = 65;
/// Refused for each new one that is served: fewer is an office.
const REFUSED_SHARE: u32 = 4;
/// Credentials of each program: fewer are different people.
const EACH_PROGRAM: u32 = 4;
const ONE_PROGRAM: u32 = 15;
const GUESSED_MOST: i32 = 75;

/// Weighs refused credentials. The weights are explained in the head comment.
pub(super) fn guessed(
    settings: &Settings,
    fast: &Refused,
    once: &Refused,
    slow: &Refused,
    session: bool,
) -> Points {
    let counts = |shown: &Refused, least, each| {
        if shown.unknown >= REFUSED_SHARE * shown.fresh {
            climb(shown.unknown, least, each, GUESSED_MOST)
        } else {
            0
        }
    };
    let fast_points = counts(fast, settings.fast_min, 2);
    let all = fast_points.max(counts(slow, settings.slow_min, 1));
    let one_program = slow.programs == 1 && slow.unknown >= ONE_PROGRAM;
    let many = slow.programs > 1 && slow.unknown < EACH_PROGRAM * slow.programs;
    let mut points = Points::default();
    points.add("refused-in-ten-minutes", fast.unknown, fast_points);
    points.add("refused-in-a-day", slow.unknown, all - fast_points);
    points.add("new-and-served", slow.fresh, 0);
    let single = if all == 0 && is_single(once) {
        climb(once.once, settings.once_min, 1, MOST)
    } else {
        0
    };
    points.add("came-once-in-six-hours", once.once, single);
    points.flag("one-program", one_program && all > 0, 15);
    points.flag("programs-of-different-people", many, -25);
    if session {
        points.cap(MOST);
    }
    points
}

/// Whether the credentials are of one program that tries each once and gets nothing. What was given out to somebody is
/// tried again, and beside it others are served.
fn is_single(once: &Refused) -> bool {
    let most_once = 4 * once.once >= 3 * once.unknown;
    let nothing_served = REFUSED_SHARE * once.fresh.max(once.served) <= once.once;
    most_once && nothing_served && once.programs == 1
}

/// Weighs refused session cookies where the server gives whoever has none a new one with each refusal: only what no
/// page does counts, and drops nobody.
pub(super) fn sessions(settings: &Settings, minute: &Refused) -> Points {
    let mut points = Points::default();
    let least = settings.fast_min.saturating_mul(2);
    points.add(
        "sessions-in-a-minute",
        minute.unknown,
        climb(minute.unknown, least, 1, MOST),
    );
    points
}

/// Weighs credentials that are at home elsewhere.
pub(super) fn borrowed(settings: &Settings, pool: &Pool) -> Points {
    let enough = climb(pool.credentials, settings.borrowed_min, 2, MOST);
    let mut points = Points::default();
    points.add("borrowed", pool.credentials, enough);
    points.add(
        "owners-went-on",
        pool.returned,
        if pool.returned >= RETURNED && enough > 0 {
            20
        } else {
            0
        },
    );
    points
}

/// Weighs credentials that are taken one after the other.
pub(super) fn turns(settings: &Settings, turns: &InTurn) -> Points {
    let enough = turns
        .each
        .map_or(0, |_| climb(turns.turns, settings.turns_min, 1, MOST));
    let mut points = Points::default();
    points.add("in-turn", turns.turns, enough);
    points
}

//! When to stop waiting. Must not know how delivery works.
//!
//! The receiver's acknowledgements decide where they are in the capture: what it has, and the capture has not, will
//! not come, and what it does not have was not accepted. Only where the receiver is not in the capture does age alone
//! decide.

use super::{
    super::{Consumer, Side, half::Phase},
    Conn, Env, Reason,
};

/// What is to be done about the front of what waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Wait,
    /// Give up what is missing before it.
    Force(Reason),
    /// It was not accepted by the receiver.
    Drop,
}

impl<C: Default> Conn<C> {
    /// Lets time pass.
    pub(in super::super) fn tick<X: ?Sized>(&mut self, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        if self.halves.waits() {
            self.settle(env);
        }
    }

    /// Too much waits in the table: gives up the first hole of each side.
    pub(in super::super) fn shed<X: ?Sized>(&mut self, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        for side in [Side::Opener, Side::Other] {
            while self.halves.get(side).waiting.is_some() {
                self.force(side, Reason::Limit, env);
            }
        }
    }

    /// Does what is overdue on one side. Tells whether there was anything.
    pub(super) fn overdue<X: ?Sized>(&mut self, env: &mut Env<'_, X>) -> bool
    where
        C: Consumer<X>,
    {
        for side in [Side::Opener, Side::Other] {
            match self.front_verdict(side, env) {
                Verdict::Wait => {}
                Verdict::Force(reason) => {
                    self.force(side, reason, env);
                    return true;
                }
                Verdict::Drop => {
                    let half = self.halves.get_mut(side);
                    let before = half.cost();
                    env.stats.dropped_bytes += half.drop_waiting();
                    env.charge(before, 0);
                    return true;
                }
            }
        }
        false
    }

    fn front_verdict<X: ?Sized>(&mut self, side: Side, env: &Env<'_, X>) -> Verdict {
        let heard = self.halves.get(side.opposite()).heard;
        let half = self.halves.get_mut(side);
        let (next, acked, phase) = (half.next, half.acked, half.phase);
        let Some(waiting) = &mut half.waiting else {
            return Verdict::Wait;
        };
        let Some((range, _)) = waiting.front() else {
            return Verdict::Wait;
        };
        let age = env.now.since(waiting.since);
        let has = match phase {
            Phase::Held => return force_if(age >= env.limits.hole_age, Reason::Aged),
            // What must have arrived for the receiver to acknowledge as much.
            Phase::Flowing if range.start > next => range.start,
            _ => range.end,
        };
        if acked >= has {
            let covered = *waiting.covered.get_or_insert(env.now);
            return force_if(env.now.since(covered) >= env.limits.acked_hole_age, Reason::Acked);
        }
        if !heard {
            return force_if(age >= env.limits.hole_age, Reason::Aged);
        }
        if age >= env.limits.unacked_age {
            return Verdict::Drop;
        }
        Verdict::Wait
    }
}

fn force_if(due: bool, reason: Reason) -> Verdict {
    if due {
        Verdict::Force(reason)
    } else {
        Verdict::Wait
    }
}

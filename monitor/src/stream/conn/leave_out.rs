//! Bytes that nobody wants: says where they are, and takes it that they do not come. Must not know why nobody wants
//! them.

use std::time::Duration;

use super::{
    super::{Consumer, Side, StreamEvent, Unwanted, half::Phase, offset::Span},
    Conn, Env, Incoming, Reason,
};
use crate::segment::Segment;

/// Most bytes that are said to be unwanted at a time: sequence numbers before and behind them can be told apart.
const RANGE_MAX: u64 = 1 << 30;
/// How soon it is said again. Whoever was told forgets after twice that time: sequence numbers come again.
const RENEW: Duration = Duration::from_millis(400);

impl<C: Default> Conn<C> {
    /// Says which bytes are not wanted from here on, if they are worth it.
    #[cold]
    pub(super) fn mind_unwanted<X: ?Sized>(&mut self, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        if half.phase != Phase::Flowing || half.waiting.is_some() {
            return;
        }
        let next = half.next;
        let Some(to) = self.consumer.unwanted(side) else {
            return;
        };
        let to = to.min(next.saturating_add(RANGE_MAX));
        let said = half.unwanted.min(to);
        let is_said = said == to || said > next.saturating_add(RANGE_MAX / 2);
        if to.saturating_sub(next) < env.limits.unwanted_bytes
            || (is_said && env.now.since(half.said) < RENEW)
        {
            return;
        }
        let (src, dst) = if (side == Side::Opener) == self.low_opens {
            (self.key.low, self.key.high)
        } else {
            (self.key.high, self.key.low)
        };
        let half = self.halves.get_mut(side);
        half.unwanted = to;
        half.said = env.now;
        let range = Unwanted {
            src,
            dst,
            start: half.base.seq(next),
            end: half.base.seq(to),
        };
        self.consumer.leave_out(&range, env.cx);
    }

    /// A segment whose payload was left out. Within the range that was named it does not matter what is missing before
    /// it: nobody wants that either. Elsewhere the bytes are missing.
    #[cold]
    pub(super) fn left_out<X: ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        side: Side,
        span: Span,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        let Ok(end) = u64::try_from(span.end) else { return };
        let offset = half.next;
        if end > half.unwanted {
            let end = half.until_waiting(end);
            if span.start <= offset.cast_signed() {
                self.gap(side, end, segment.ts, Reason::Cut, env);
            }
            return;
        }
        half.next = end;
        half.forget_passed_fin();
        let len = end - offset;
        env.stats.left_out_bytes += len;
        if half.waiting.is_some() {
            let by = Incoming {
                start: end,
                ts: segment.ts,
                ack: None,
                tentative: false,
                bytes: &[],
            };
            self.overtake(side, end, &by, env);
        }
        let ts = segment.ts;
        self.tell(
            StreamEvent::LeftOut {
                side,
                offset,
                len,
                ts,
            },
            env,
        );
        self.mind_unwanted(side, env);
    }
}

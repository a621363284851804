//! The metrics of the running daemon: gathered when asked for, at most once a second. Must not know how they are
//! written.

use std::{net::TcpListener, sync::Arc};

use super::desk::{Desk, locked};
use crate::{
    control::Service,
    metrics::{
        server,
        text::{self, Snapshot},
    },
};

/// For how long a text is given again. Somebody who asks without end costs the judge one question a second.
const FRESH_NS: u64 = 1_000_000_000;

/// Serves the metrics. Without them everything else goes on.
pub(super) async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let source = Arc::new(move || desk.metrics_text());
    let Err(error) = server::serve(listener, source).await;
    log::error!("the metrics are not served any more: {error}");
}

impl Desk {
    /// The text; `None` where the judge has no time.
    fn metrics_text(&self) -> Option<String> {
        // Held while the judge is asked: of many who ask at once, one does.
        let mut shown = locked(&self.metrics_shown);
        let now_ns = self.clock.monotonic_ns();
        match &*shown {
            Some((at_ns, text)) if now_ns.saturating_sub(*at_ns) < FRESH_NS => Some(text.clone()),
            _ => {
                let text = text::encode(&self.snapshot()?);
                *shown = Some((now_ns, text.clone()));
                Some(text)
            }
        }
    }

    fn snapshot(&self) -> Option<Snapshot> {
        let open_cases = self.judge.call(|bench| {
            let mut open = std::collections::BTreeMap::new();
            for case in bench.judge.cases().filter(|case| case.closed.is_none()) {
                *open.entry(case.detector.name.to_owned()).or_default() += 1;
            }
            open
        });
        Some(Snapshot {
            status: self.status().ok()?,
            open_cases: open_cases.ok()?,
            judge_delay: self.judge.delay(),
            log_write: self.journal.write_times(),
        })
    }
}

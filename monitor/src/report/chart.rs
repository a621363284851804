//! Traffic, drops and cases over time, as bars. Must not know how the numbers were counted.

use maud::{Markup, html};

use super::{Bar, Report};
use crate::{control::dto::Sums, text};

/// Height of a chart in its own units; its width is one unit a bar.
const HEIGHT: u32 = 100;

/// One chart.
struct Row {
    name: &'static str,
    class: &'static str,
    count: fn(&Sums) -> u64,
}

/// The section.
pub(super) fn timeline(report: &Report) -> Markup {
    let rows = [
        Row {
            name: "Packets",
            class: "traffic",
            count: |sums| sums.packets,
        },
        Row {
            name: "Requests",
            class: "traffic",
            count: |sums| sums.transactions,
        },
        Row {
            name: report.dropped,
            class: "drops",
            count: |sums| sums.dropped,
        },
        Row {
            name: "Cases opened",
            class: "found",
            count: |sums| sums.cases,
        },
    ];
    let bars = &report.timeline.bars;
    html! {
        section #timeline {
            h2 { "Over time" }
            @if bars.is_empty() {
                p { "There is no history yet." }
            } @else {
                @for row in &rows { (chart(row, bars)) }
                p.axis { span { (when(bars.first())) } span { (when(bars.last())) } }
            }
        }
    }
}

fn when(bar: Option<&Bar>) -> String {
    let at = bar.map(|bar| bar.at.as_str()).unwrap_or_default();
    at.get(..19).unwrap_or(at).replace('T', " ")
}

fn chart(row: &Row, bars: &[Bar]) -> Markup {
    let counts: Vec<u64> = bars.iter().map(|bar| (row.count)(&bar.sums)).collect();
    let total = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let most = counts.iter().copied().max().unwrap_or(0);
    let said = format!(
        "{}: {} in all, {} at most in one bar",
        row.name,
        text::count(total),
        text::count(most)
    );
    html! {
        figure {
            figcaption { (said) }
            svg viewBox=(format!("0 0 {} {HEIGHT}", bars.len())) preserveAspectRatio="none" role="img" aria-label=(said) class=(row.class) {
                @for (x, (count, bar)) in counts.iter().zip(bars).enumerate() {
                    @let height = height(*count, most);
                    @if height > 0 {
                        rect x=(x) y=(HEIGHT - height) width="1" height=(height) {
                            title { (when(Some(bar))) ": " (count) }
                        }
                    }
                }
            }
        }
    }
}

/// What is there at all can be seen.
fn height(count: u64, most: u64) -> u32 {
    if count == 0 {
        return 0;
    }
    let height = u128::from(count) * u128::from(HEIGHT) / u128::from(most.max(1));
    u32::try_from(height).unwrap_or(HEIGHT).clamp(2, HEIGHT)
}

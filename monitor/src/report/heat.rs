//! How the endpoints are used, as a map of heat: one line an endpoint, the darker the more. Must not judge.

use std::collections::HashMap;

use maud::{Markup, html};

use super::{LINES_MAX, Report, page::Safe};
use crate::{control::dto::Endpoint, text};

/// Shades, from none up.
const SHADES: u64 = 8;

/// A cell: what stands in it, and how dark it is.
struct Cell {
    name: &'static str,
    text: String,
    shade: u64,
    /// Whether much of it is bad.
    bad: bool,
}

/// The section.
pub(super) fn map(report: &Report) -> Markup {
    let mut open: HashMap<&str, u64> = HashMap::new();
    for explanation in &report.cases {
        *open.entry(explanation.case.endpoint.as_str()).or_default() += 1;
    }
    let shown = report
        .endpoints
        .get(..LINES_MAX.min(report.endpoints.len()))
        .unwrap_or_default();
    let most = shown.iter().map(|endpoint| endpoint.requests).max().unwrap_or(0);
    let slowest = shown.iter().map(slowness).max().unwrap_or(0);
    html! {
        section #endpoints {
            h2 { "Endpoints" }
            @if shown.is_empty() {
                p { "No endpoint was seen." }
            } @else {
                p.note { "The darker, the more: requests and latency beside the greatest of them, answers as share of the endpoint's own." }
                table.heat {
                    thead {
                        tr { th { "Endpoint" } @for name in ["requests", "2xx", "3xx", "4xx", "5xx", "p99 ms", "cases"] { th { (name) } } }
                    }
                    tbody {
                        @for endpoint in shown {
                            @let cases = open.get(endpoint.endpoint.as_str()).copied().unwrap_or(0);
                            tr {
                                th scope="row" { (Safe(&endpoint.endpoint)) }
                                @for cell in cells(endpoint, cases, most, slowest) {
                                    td class=(class(&cell)) data-name=(cell.name) { (cell.text) }
                                }
                            }
                        }
                    }
                }
                (super::lists::more(report.endpoints.len(), shown.len()))
            }
        }
    }
}

fn class(cell: &Cell) -> String {
    let kind = if cell.bad { 'b' } else { 'h' };
    format!("{kind}{}", cell.shade)
}

/// Milliseconds that 99 of 100 answers take.
fn slowness(endpoint: &Endpoint) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating"
    )]
    endpoint.latency_ms.map_or(0, |latency| latency.p99 as u64)
}

fn cells(endpoint: &Endpoint, cases: u64, most: u64, slowest: u64) -> Vec<Cell> {
    let mut cells = vec![Cell {
        name: "requests",
        text: text::count(endpoint.requests),
        shade: shade(endpoint.requests, most),
        bad: false,
    }];
    for class in ["2xx", "3xx", "4xx", "5xx"] {
        let count = endpoint.statuses.get(class).copied().unwrap_or(0);
        let percent = count.saturating_mul(100) / endpoint.requests.max(1);
        cells.push(Cell {
            name: class,
            text: if count == 0 {
                "-".to_owned()
            } else {
                format!("{percent}%")
            },
            shade: shade(count, endpoint.requests),
            bad: class.starts_with(['4', '5']),
        });
    }
    cells.push(Cell {
        name: "p99 ms",
        text: endpoint
            .latency_ms
            .map_or_else(|| "-".to_owned(), |latency| format!("{:.1}", latency.p99)),
        shade: shade(slowness(endpoint), slowest),
        bad: false,
    });
    cells.push(Cell {
        name: "cases",
        text: if cases == 0 {
            "-".to_owned()
        } else {
            cases.to_string()
        },
        shade: if cases == 0 { 0 } else { SHADES },
        bad: true,
    });
    cells
}

/// Which shade a part of a whole has; something is never nothing.
fn shade(part: u64, whole: u64) -> u64 {
    let shade = u128::from(part) * u128::from(SHADES) / u128::from(whole.max(1));
    let least = u64::from(part > 0);
    u64::try_from(shade).unwrap_or(SHADES).clamp(least, SHADES)
}

//! The page as a whole: its head, its parts in order, and the policy that keeps it from loading anything.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use super::{Report, cases, chart, heat, lists};
use crate::text;

/// The one style sheet, inside the page.
const STYLE: &str = include_str!("style.css");

/// Text from outside: escaped, and what would steer the reader shown by its code.
pub(super) struct Safe<'a>(pub(super) &'a str);

impl Render for Safe<'_> {
    fn render_to(&self, buffer: &mut String) {
        text::safe(self.0).as_ref().render_to(buffer);
    }
}

/// The page.
pub(super) fn page(report: &Report) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "apimon: " (Safe(&report.about)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "apimon report" }
                    p { (Safe(&report.about)) }
                }
                main {
                    (facts(report))
                    (chart::timeline(report))
                    (cases::index(report))
                    (heat::map(report))
                    (lists::lists(report))
                    (cases::all(report))
                }
                footer {
                    @if let Some(made) = &report.made { "Made " (Safe(made)) " by " }
                    "apimon " (env!("CARGO_PKG_VERSION")) ". "
                    "Credentials stand here as keyed fingerprints, paths as templates; times are UTC."
                }
            }
        }
    }
    .into_string()
}

/// Nothing may be loaded and nothing may run; the only style is the one whose hash this is.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

fn facts(report: &Report) -> Markup {
    html! {
        section #summary {
            h2 { "Summary" }
            dl.facts {
                @for (name, value) in &report.facts {
                    div { dt { (name) } dd { (Safe(value)) } }
                }
            }
            @if report.losses.is_empty() {
                p.good { "Nothing was lost: what follows rests on everything that was seen." }
            } @else {
                p.warn { "Some of the traffic was not seen or not read; see " a href="#losses" { "what was lost" } "." }
            }
        }
    }
}

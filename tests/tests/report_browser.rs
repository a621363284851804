//! The report in a real browser: what stands in it, that nothing is asked for and nothing complained of, and that it
//! fits a phone. With `APIMON_PICTURES=DIR` pictures of it are left there.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{path::Path, process::Command};

use apimon_tests::{browser::Browser, process, programs, scenario::pcap};
use serde_json::json;

/// Somebody walks through the objects of others, and a crowd does what crowds do.
const WALK: &str = "attack-id-enumeration/down";

/// That capture, replayed into a report.
fn report(dir: &Path) -> std::path::PathBuf {
    let capture = dir.join("attack.pcap");
    pcap::write_scenario(WALK, &capture).unwrap();
    let file = dir.join("report.html");
    let mut command = Command::new(programs::apimon().unwrap());
    command.arg("replay").arg(&capture).arg("--report").arg(&file);
    process::output(&mut command).unwrap();
    file
}

#[test]
fn the_report_is_whole_quiet_and_fits_a_phone() {
    let dir = tempfile::tempdir().unwrap();
    let file = report(dir.path());
    let mut browser = Browser::start(dir.path()).unwrap();
    for (width, dark) in [(360, false), (360, true), (1280, false), (1280, true)] {
        browser.open(&file, width, dark).unwrap();
        let cases = browser
            .value("document.querySelectorAll('section.case').length")
            .unwrap();
        assert!(cases.as_u64() > Some(0), "{cases}");
        let linked = "[...document.querySelectorAll('#cases a')].every(a => document.querySelector(a.getAttribute('href')))";
        assert_eq!(
            browser.value(linked).unwrap(),
            json!(true),
            "each leads to its case"
        );
        for part in [
            "#summary",
            "#timeline svg rect",
            "#endpoints table.heat td",
            "#actors td",
        ] {
            let there = format!("document.querySelectorAll({}).length", json!(part));
            assert!(browser.value(&there).unwrap().as_u64() > Some(0), "{part}");
        }
        let wide = browser.value("document.documentElement.scrollWidth").unwrap();
        assert!(wide.as_u64() <= Some(width.into()), "{wide} pixels at {width}");
        let styled = browser
            .value("getComputedStyle(document.querySelector('.facts')).display")
            .unwrap();
        assert_eq!(styled, json!("grid"), "the style sheet is let in by the policy");
        let requests = browser.requests();
        assert!(
            requests.iter().all(|url| url.ends_with("/report.html")),
            "{requests:?}"
        );
        assert_eq!(browser.complaints(), Vec::<String>::new());
        if let Some(pictures) = std::env::var_os("APIMON_PICTURES") {
            let name = format!("report-{width}{}.png", if dark { "-dark" } else { "" });
            std::fs::write(Path::new(&pictures).join(name), browser.picture().unwrap()).unwrap();
        }
    }
}

#[test]
fn on_paper_each_case_begins_a_page_and_nothing_is_laid_out_for_a_phone() {
    let dir = tempfile::tempdir().unwrap();
    let file = report(dir.path());
    let mut browser = Browser::start(dir.path()).unwrap();
    // What is left of A4 between its margins, which is less than what counts as a phone on a screen.
    browser.open(&file, 688, false).unwrap();
    let display = |of: &str| format!("getComputedStyle(document.querySelector('{of}')).display");
    let shown = |browser: &mut Browser, of: &str| browser.value(&display(of)).unwrap();
    assert_eq!(
        shown(&mut browser, ".lines tr"),
        json!("block"),
        "a narrow screen"
    );
    browser.media("print").unwrap();
    assert_eq!(shown(&mut browser, ".lines tr"), json!("table-row"));
    assert_eq!(shown(&mut browser, ".lines thead"), json!("table-header-group"));
    assert_eq!(shown(&mut browser, ".back"), json!("none"), "paper has no links");
    let broken = "[...document.querySelectorAll('section.case')].every(c => getComputedStyle(c).breakBefore == 'page')";
    assert_eq!(browser.value(broken).unwrap(), json!(true));
    let cases = browser
        .value("document.querySelectorAll('section.case').length")
        .unwrap();
    let cases = usize::try_from(cases.as_u64().unwrap()).unwrap();
    let printed = browser.print().unwrap();
    // Objects of a page, by PDF 32000-1, 7.7.3.3; those of the tree are `/Pages`.
    let page = b"/Type /Page\n";
    let pages = printed.windows(page.len()).filter(|bytes| bytes == page).count();
    assert!(
        cases > 0 && (cases + 1..=cases + 3).contains(&pages),
        "{pages} pages of {cases} cases"
    );
    if let Some(pictures) = std::env::var_os("APIMON_PICTURES") {
        std::fs::write(Path::new(&pictures).join("report.pdf"), printed).unwrap();
    }
}

#[test]
fn what_tries_to_run_or_to_load_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.html");
    // As if the escaping had a hole: the policy of the page must hold on its own.
    let hole = "<script>document.title = 'run'</script><img src='http://127.0.0.1:9/x'>";
    let page = apimon::report::Report::default().html();
    std::fs::write(&file, page.replace("<h2>Summary</h2>", hole)).unwrap();
    let mut browser = Browser::start(dir.path()).unwrap();
    browser.open(&file, 360, false).unwrap();
    assert_ne!(browser.value("document.title").unwrap(), json!("run"));
    assert!(
        browser.complaints().len() >= 2,
        "both are refused: {:?}",
        browser.complaints()
    );
}

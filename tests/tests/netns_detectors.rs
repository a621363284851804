//! Every detector finds its abuse on real HTTP that came through the real kernel path: sockets in namespaces, the tap,
//! the ring, the reader, the judge. And nothing that is secret in it is written anywhere.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use apimon_tests::{
    daemon::Apimon,
    process::Running,
    programs,
    rehearsal::{self, plot},
    secrets::Planted,
    site::{INTERFACE, PORT, Site},
    wait,
};

/// What takes long by its nature is learned in short here. Nothing else is changed.
const CONFIG: &str = "
[detect.token-sharing]
alone_seconds = 0.5
[detect.missing-auth]
known_seconds = 1
[detect.function-level]
known_seconds = 1
";
/// Two whole minutes are the least that `rate-abuse` looks at; they begin with the clock's.
const PATIENT_SECONDS: u32 = 185;
const FOUND: Duration = Duration::from_mins(5);

#[test]
fn detectors_find_their_abuse() {
    let site = Site::build("detectors", &plot::everybody()).unwrap();
    let mut lines = plot::crowd();
    let abuses = plot::abuses();
    let mut wanted: BTreeSet<String> = abuses.iter().map(|(rule, _)| (*rule).to_owned()).collect();
    wanted.extend(["rate-abuse".to_owned(), "token-cycling".to_owned()]);
    lines.extend(plot::credentials());
    // Twice: what is learned of the crowd is old by then.
    lines.extend(
        plot::crowd()
            .into_iter()
            .map(|line| rehearsal::Line { pause_ms: 2, ..line }),
    );
    lines.extend(abuses.into_iter().flat_map(|(_, lines)| lines));
    lines.extend(plot::patient(PATIENT_SECONDS));
    let file = site.lab().dir().join("conversation.jsonl");
    rehearsal::write(&file, &lines).unwrap();

    let mut apimon = Apimon::new(site.lab()).flag(&[
        "--mode",
        "observe",
        "--interface",
        INTERFACE,
        "--port",
        &PORT.to_string(),
    ]);
    apimon.config = CONFIG.to_owned();
    let _daemon = apimon.start(&site.host).unwrap();
    let speak = |what: &str, space: &apimon_tests::netns::Space| {
        let mut command = space.command(programs::sibling("rehearse").unwrap());
        let to = Site::api_for(plot::person(0)).to_string();
        command.args([what, &to]).arg(&file);
        Running::start(&format!("rehearse-{what}"), &mut command, site.lab().dir()).unwrap()
    };
    let server = speak("serve", &site.host);
    wait::until_true("the API", FOUND, || server.stdout().contains("listening")).unwrap();
    let mut clients = speak("play", &site.clients);

    let mut missing = wanted.clone();
    let all = wait::until_true("a case of every detector", FOUND, || {
        for case in apimon.client().cases().unwrap_or_default() {
            missing.remove(&case.rule);
        }
        missing.is_empty() || clients.ended().is_some_and(|status| !status.success())
    });
    let told = || format!("{}\n{}", clients.stderr(), apimon.everything_said());
    all.with_context(|| format!("no case of {missing:?}\n{}", told()))
        .unwrap();
    assert!(missing.is_empty(), "no case of {missing:?}\n{}", told());
    let status = apimon.client().status().unwrap();
    assert_eq!(status.totals.dropped, 0, "observe mode");
    nothing_is_told(&apimon, &lines).unwrap();
}

/// Secrets stand neither in the log nor in any view, nor in what is kept on disk.
fn nothing_is_told(apimon: &Apimon, lines: &[rehearsal::Line]) -> anyhow::Result<()> {
    let mut planted = Planted::of_users([]);
    let secrets = plot::secrets(lines);
    assert!(secrets.len() > 300, "{}", secrets.len());
    for (number, (what, value)) in secrets.iter().enumerate() {
        planted = planted.and(&format!("{what} {number}"), value);
    }
    let mut said = apimon.everything_said();
    for words in [
        ["cases", "--json"],
        ["endpoints", "--json"],
        ["status", "--json"],
        ["sources", "--json"],
    ] {
        said += &apimon.ask(&words)?;
    }
    for case in apimon.client().cases()? {
        for verb in ["case", "explain"] {
            said += &apimon.ask(&[verb, &case.number.to_string()])?;
            said += &apimon.ask(&[verb, &case.number.to_string(), "--json"])?;
        }
    }
    assert!(said.contains("token-sharing"), "nothing was said at all");
    assert_eq!(planted.found_in(&said), Vec::<&str>::new());
    Ok(())
}

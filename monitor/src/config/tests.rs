//! One table a question: which error a wrong file gets, and which layer wins.

use std::{path::Path, time::Duration};

use super::*;
use crate::journal::Format;

fn settings(text: &str, flags: &Overrides) -> Result<Settings, ConfigError> {
    Ok(assemble(Some((Path::new("/etc/x.toml"), text)), &[], flags)?.settings)
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let s = settings("", &Overrides::default()).unwrap();
    assert_eq!(s.judge.mode, Mode::Observe);
    assert!(s.ports.is_empty(), "any port that speaks HTTP");
    assert!(s.interfaces.is_empty());
    assert_eq!(s.control, Path::new(DEFAULT_CONTROL));
}

#[test]
fn the_documented_file_holds_the_defaults() {
    let documented = settings(TEMPLATE, &Overrides::default()).unwrap();
    let defaults = settings("", &Overrides::default()).unwrap();
    assert_eq!(format!("{documented:#?}"), format!("{defaults:#?}"));
}

#[test]
fn every_key_is_read() {
    let text = r#"
        mode = "enforce"
        interfaces = ["eth1", "eth0", "eth1"]
        ports = [8081, 80]
        state_dir = "/s"
        control = "/c"
        pin_dir = "/p"
        allow = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]
        [log]
        path = "/l"
        buffer_bytes = 100000
        format = "ocsf"
        journald = true
        syslog = "udp:192.0.2.1:514"
        [verdict]
        blocks_per_minute = 5
        [cases]
        quiet_seconds = 60
        [metrics]
        listen = "[::]:9377"
        expose = true
        [tap]
        shards = 2
        ring_bytes = 1048576
    "#;
    let s = settings(text, &Overrides::default()).unwrap();
    assert_eq!(s.judge.mode, Mode::Enforce);
    assert_eq!(s.interfaces, ["eth0", "eth1"]);
    assert_eq!(s.ports, [80, 8081]);
    assert_eq!(s.judge.verdict.blocks_per_minute, 5);
    assert_eq!(s.judge.cases.quiet_seconds, 60);
    assert_eq!(s.metrics, Some("[::]:9377".parse().unwrap()));
    assert_eq!((s.shards, s.ring_bytes), (2, 1 << 20));
    assert_eq!(s.journal.path, Path::new("/l"));
    assert_eq!(s.journal.buffer_bytes, 100_000);
    assert_eq!((s.journal.format, s.journal.journald), (Format::Ocsf, true));
    assert_eq!(
        s.journal.syslog.map(|address| address.to_string()).as_deref(),
        Some("udp:192.0.2.1:514")
    );
    let nets: Vec<String> = s.allow.iter().map(ToString::to_string).collect();
    assert_eq!(nets, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]);
}

#[test]
fn flags_win_over_the_file() {
    let flags = Overrides {
        interfaces: vec!["lo".into()],
        ports: vec![9000],
        mode: Some(Mode::Enforce),
        control: Some("/flag".into()),
        allow: vec!["198.51.100.0/24".parse().unwrap()],
        ..Overrides::default()
    };
    let text =
        "mode = 'observe'\ninterfaces = ['eth0']\nports = [80]\ncontrol = '/file'\nallow = ['10.0.0.1']";
    let s = settings(text, &flags).unwrap();
    assert_eq!(s.judge.mode, Mode::Enforce);
    assert_eq!(s.interfaces, ["lo"]);
    assert_eq!(s.ports, [9000]);
    assert_eq!(s.control, Path::new("/flag"));
    assert_eq!(s.allow.len(), 2, "a flag adds to the allow list");
}

#[test]
fn errors_name_place_key_and_mend() {
    for (text, wanted) in [
        (
            "\nmodee = 'enforce'",
            "/etc/x.toml:2: unknown key `modee`; did you mean `mode`?",
        ),
        ("interface = ['eth0']", "did you mean `interfaces`?"),
        (
            "[log]\nfile = '/x'",
            "/etc/x.toml:2: unknown key `file`; known here: path, buffer_bytes, format, journald, syslog",
        ),
        (
            "[verdict]\nblock_per_minute = 1",
            "did you mean `blocks_per_minute`?",
        ),
        ("mode = 'enforced'", "did you mean `enforce`?"),
        ("mode = ", "/etc/x.toml:1: "),
        ("ports = [70000]", "/etc/x.toml:1: "),
        ("ports = [0]", "ports: 0 is no TCP port"),
        (
            "interfaces = ['a/b']",
            "interfaces: `a/b` is no interface name; `ip link`",
        ),
        ("interfaces = ['sixteen-letters-']", "is no interface name"),
        (
            "control = 'run/x.sock'",
            "control: `run/x.sock` is not an absolute path",
        ),
        (
            "\nallow = ['10.0.0.0/33']",
            "/etc/x.toml:2: `10.0.0.0/33` is not a network",
        ),
        (
            "[tap]\nshards = 3",
            "tap.shards: 3 is not possible; use 1, 2 or 4",
        ),
        (
            "[tap]\nring_bytes = 100000",
            "tap.ring_bytes: 100000 is no power of two; use 131072",
        ),
        ("[log]\nbuffer_bytes = 1", "log.buffer_bytes: 1 is out of range"),
        (
            "[metrics]\nlisten = '0.0.0.0:9377'",
            "metrics.listen: others can reach 0.0.0.0:9377",
        ),
        (
            "[log]\nsyslog = 'tcp:loghost:514'",
            "log.syslog: `tcp:loghost:514` is no address of a syslog",
        ),
        ("[log]\nformat = 'ocfs'", "did you mean `ocsf`?"),
        (
            "[metrics]\nlisten = 'localhost'",
            "metrics.listen: `localhost` is no address",
        ),
    ] {
        let said = settings(text, &Overrides::default()).unwrap_err().to_string();
        assert!(said.contains(wanted), "for {text:?}:\n{said}\nwanted {wanted:?}");
    }
}

/// The keys that serde knows of each section, from what it says of one that it does not know.
fn keys_read(section: &str) -> Vec<String> {
    let header = if section.is_empty() {
        String::new()
    } else {
        format!("[{section}]\n")
    };
    let error = toml::from_str::<raw::File>(&format!("{header}no_such_key_at_all = 1\n")).unwrap_err();
    let known = error.message().split('`').skip(1).step_by(2).skip(1);
    known.map(str::to_owned).collect()
}

#[test]
fn the_template_names_every_key_that_is_read_and_no_other() {
    let named: std::collections::BTreeSet<String> = assemble(None, &[], &Overrides::default())
        .unwrap()
        .effective
        .iter()
        .map(|(key, _, _)| key.to_owned())
        .collect();
    let mut read = std::collections::BTreeSet::new();
    let mut sections = vec![String::new()];
    while let Some(section) = sections.pop() {
        for key in keys_read(&section) {
            let key = if section.is_empty() {
                key
            } else {
                format!("{section}.{key}")
            };
            // A section is one whose keys can be asked for in turn; a key is not.
            let below = !named.contains(&key) && !keys_read(&key).is_empty();
            if below {
                sections.push(key);
            } else {
                read.insert(key);
            }
        }
    }
    assert!(read.len() > 150, "{read:?}");
    assert_eq!(named, read);
}

#[test]
fn every_key_of_the_template_has_a_comment() {
    let mut before = "";
    for line in TEMPLATE.lines() {
        let is_key = line.split_once(" = ").is_some_and(|(key, _)| {
            key.trim_start_matches("# ")
                .bytes()
                .all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        let said = line.contains("  # ") || line.contains(" # ") || before.starts_with('#');
        assert!(!is_key || said, "{line}");
        before = line;
    }
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let file = "mode = 'enforce'\nports = [80]\n[log]\npath = '/file'";
    let variable = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let variables = [
        variable("APIMON_PORTS", "81"),
        variable("APIMON_LOG__PATH", "/environment"),
    ];
    let flags = Overrides {
        ports: vec![82],
        ..Overrides::default()
    };
    let loaded = assemble(Some((Path::new("/f"), file)), &variables, &flags).unwrap();
    assert_eq!(loaded.settings.ports, [82]);
    assert_eq!(loaded.settings.journal.path, Path::new("/environment"));
    let said: Vec<String> = loaded
        .effective
        .iter()
        .filter(|(_, _, origin)| **origin != Origin::Default)
        .map(|(key, value, origin)| format!("{key} = {value} ({origin})"))
        .collect();
    assert_eq!(
        said,
        [
            "mode = \"enforce\" (file)",
            "ports = [82] (flag)",
            "log.path = \"/environment\" (environment, APIMON_LOG__PATH)",
        ]
    );
}

#[test]
fn what_a_running_daemon_takes_over_is_told_from_what_needs_a_restart() {
    let read = |text: &str| assemble(Some((Path::new("/f"), text)), &[], &Overrides::default()).unwrap();
    let old = read("ports = [80]");
    let new = read(
        "ports = [80, 81]\nmode = 'enforce'\ninterfaces = ['lo']\n[verdict]\nlease_seconds = 5\nleases_max = 9\n\
         [policy]\nthrottle_packets_per_second = 3\n[cases]\nquiet_seconds = 3600",
    );
    let changes = Changes::between(&old, &new);
    let live = [
        "mode",
        "policy.throttle_packets_per_second",
        "ports",
        "verdict.lease_seconds",
    ];
    assert_eq!(changes.applied, live);
    assert_eq!(changes.restart, ["interfaces", "verdict.leases_max"]);
    let running = old.settings.taking_over(&new.settings);
    assert_eq!(running.ports, [80, 81]);
    assert_eq!(running.judge.mode, Mode::Enforce);
    assert_eq!(running.judge.verdict.lease_seconds, 5);
    assert_eq!(
        running.judge.verdict.leases_max,
        old.settings.judge.verdict.leases_max
    );
    assert!(running.interfaces.is_empty());
}

#[test]
fn every_key_that_can_change_at_run_time_is_one() {
    let loaded = assemble(None, &[], &Overrides::default()).unwrap();
    for live in LIVE {
        let known = |key: &str| key == live || (live.ends_with('.') && key.starts_with(live));
        assert!(loaded.effective.iter().any(|(key, _, _)| known(key)), "{live}");
    }
}

#[test]
fn the_documents_name_what_changes_at_run_time() {
    let text = include_str!("../../../docs/configuration.md").replace('\n', " ");
    let (_, behind) = text.split_once("While the daemon runs these change:").unwrap();
    let (all, _) = behind.split_once(". ").unwrap();
    let (plain, of_verdict) = all.split_once("and of `[verdict]`").unwrap();
    // Every second piece stands between two backticks.
    let named =
        |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let plain = named(plain).into_iter().map(|name| match name.strip_prefix('[') {
        Some(section) => section.replace(']', "."),
        None => name,
    });
    let of_verdict = named(of_verdict)
        .into_iter()
        .map(|name| format!("verdict.{name}"));
    let documented: Vec<String> = plain.chain(of_verdict).collect();
    assert_eq!(documented, LIVE);
}

#[test]
fn a_named_file_must_be_there() {
    let error = load(Some(Path::new("/nonexistent/apimon.toml")), &Overrides::default()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/apimon.toml"));
}

#[test]
fn spans_of_time() {
    for (text, seconds) in [
        ("90s", Some(90)),
        ("1h30m", Some(5400)),
        ("2d", Some(172_800)),
        ("0s", Some(0)),
        ("", None),
        ("10", None),
        ("m", None),
        ("10x", None),
        ("-1s", None),
        ("999999999999999999999d", None),
        ("18446744073709551615d", None),
    ] {
        assert_eq!(parse_ttl(text).ok(), seconds.map(Duration::from_secs), "{text:?}");
    }
}

#[test]
fn a_rule_that_cannot_be_carried_out_is_refused_with_its_number() {
    let refused = |rule: &str| {
        let text = format!("[[policy.rules]]\naction = \"log\"\n[[policy.rules]]\n{rule}\n");
        settings(&text, &Overrides::default()).unwrap_err().to_string()
    };
    let wrong_name = refused("detectors = [\"id-enumeratoin\"]\naction = \"drop\"");
    assert!(
        wrong_name.contains("rule 2") && wrong_name.contains("did you mean `id-enumeration`?"),
        "{wrong_name}"
    );
    for (rule, said) in [
        ("action = \"throttle\"\npackets_per_second = 0", "needs a rate"),
        ("action = \"drop\"\nlease_seconds = 0", "at least one second"),
        ("action = \"drop\"\nconfidence_min = 101", "0 to 100"),
        ("action = \"block\"", "unknown value `block`"),
    ] {
        let message = refused(rule);
        assert!(message.contains(said), "{rule}: {message}");
    }
}

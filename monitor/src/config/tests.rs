//! One table a question: which error a wrong file gets, and which layer wins.

use std::{path::Path, time::Duration};

use super::*;

fn settings(text: &str, flags: &Overrides) -> Result<Settings, ConfigError> {
    settings::validate(parse(Path::new("/etc/x.toml"), text)?, flags)
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let s = settings("", &Overrides::default()).unwrap();
    assert_eq!(s.judge.mode, Mode::Observe);
    assert_eq!(s.ports, DEFAULT_PORTS);
    assert!(!s.ports_given);
    assert!(s.interfaces.is_empty());
    assert_eq!(s.control, Path::new(DEFAULT_CONTROL));
}

#[test]
fn the_documented_file_holds_the_defaults() {
    let documented = settings(include_str!("../../../docs/apimon.toml"), &Overrides::default()).unwrap();
    let mut defaults = settings("", &Overrides::default()).unwrap();
    // The file has to name some ports, and they are then the operator's.
    defaults.ports_given = true;
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
        [verdict]
        blocks_per_minute = 5
        [cases]
        quiet_seconds = 60
        [tap]
        shards = 2
        ring_bytes = 1048576
    "#;
    let s = settings(text, &Overrides::default()).unwrap();
    assert_eq!(s.judge.mode, Mode::Enforce);
    assert_eq!(s.interfaces, ["eth0", "eth1"]);
    assert_eq!(s.ports, [80, 8081]);
    assert!(s.ports_given);
    assert_eq!(s.judge.verdict.blocks_per_minute, 5);
    assert_eq!(s.judge.cases.quiet_seconds, 60);
    assert_eq!((s.shards, s.ring_bytes), (2, 1 << 20));
    assert_eq!(s.journal.path, Path::new("/l"));
    assert_eq!(s.journal.buffer_bytes, 100_000);
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
            "/etc/x.toml:2: unknown key `file`; known here: path, buffer_bytes",
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
    ] {
        let said = settings(text, &Overrides::default()).unwrap_err().to_string();
        assert!(said.contains(wanted), "for {text:?}:\n{said}\nwanted {wanted:?}");
    }
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

//! Every command and every configuration of README and `docs/` is run: by root, as it stands there, in a Debian with
//! the package, beside a daemon that has found and dropped somebody. The section of the guide that leads from the
//! package to the first block is run line by line by `package`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a suite fails by panicking"
)]

use std::{
    collections::BTreeSet, fs, os::unix::process::ExitStatusExt as _, process::Command, time::Duration,
};

use apimon_tests::{
    handbook::{self, Document, words},
    installed::{ASKER, Installed, package, said},
    process::{self, Running},
    scenario::pcap,
    site::{HOST_V4, INTERFACE},
    wait,
};
use clap::error::ErrorKind;
use rustix::process::Signal;

/// Bound of every wait here.
const PATIENCE: Duration = Duration::from_mins(1);
/// Somebody walks through the objects of others.
const WALK: &str = "attack-id-enumeration/down";

/// What the documents leave to the reader, and what it is here. Numbers are those of the only case and silence.
const STANDS_FOR: [(&str, &str); 8] = [
    ("NET", "203.0.113.0/24"),
    ("ADDRESS", "203.0.113.9"),
    ("ASKER", ASKER),
    ("N", "1"),
    ("12", "1"),
    ("2", "1"),
    ("FILE", "capture.pcap"),
    ("capture.pcapng", "capture.pcap"),
];

/// What must be there before a command makes sense.
const FIRST: [(&str, &str); 4] = [
    ("apimon block remove 203.0.113.9", "apimon block add 203.0.113.9"),
    (
        "apimon block remove 203.0.113.0/24",
        "apimon block add 203.0.113.0/24",
    ),
    (
        "apimon allow remove 198.51.100.7",
        "apimon allow add 198.51.100.7",
    ),
    (
        "apimon silence remove 1",
        "apimon silence add --detector scraping --comment known",
    ),
];

/// What would be in the way of what comes later, by its beginning.
const AFTER: [(&str, &str); 2] = [
    (
        "apimon allow add 203.0.113.0/24",
        "apimon allow remove 203.0.113.0/24",
    ),
    ("apimon allow add 203.0.113.9", "apimon allow remove 203.0.113.9"),
];

/// What a command must say of this daemon, by its beginning; a filter may leave nothing. All others must say something.
const SAYS: [(&str, &str); 16] = [
    ("apimon status", "enforce"),
    ("apimon cases", "probing"),
    ("apimon case", "probing"),
    ("apimon explain", "apimon block remove"),
    ("apimon sources", ASKER),
    ("apimon actors", ASKER),
    ("apimon endpoints", "GET /"),
    ("apimon block list", ASKER),
    ("apimon silence list", "partner sync"),
    ("apimon allow list", "198.51.100"),
    ("apimon top --once", "probing"),
    ("apimon report", "1 case"),
    ("apimon backtest", ASKER),
    ("apimon replay", "id-enumeration"),
    ("apimon config show", "mode"),
    ("apimon doctor", "0 failures"),
];

/// Lines of the blocks that are no command of apimon, by their beginning, and where else they are run.
const ELSEWHERE: [(&str, &str); 8] = [
    ("cargo xtask demo", "needs the sources; `.ci/run` does it"),
    ("cargo xtask test", "this is it"),
    (
        "cargo xtask package",
        "`cargo xtask test` does it, and this test installs what it makes",
    ),
    ("apt install ./", "`package` does it"),
    (
        "systemctl ",
        "there is no service manager in a chroot; `package` does what the unit says",
    ),
    ("sed -i ", "`package` does it"),
    (
        "curl ",
        "`package` does it, and below it is done for the control socket",
    ),
    ("APIMON_", "below, in one command"),
];

/// A document's line, ready to be typed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Typed {
    words: Vec<String>,
    /// Where it stands.
    document: String,
}

impl Typed {
    fn line(&self) -> String {
        self.words.join(" ")
    }

    fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}

fn is_command(second: &str) -> bool {
    let parsed = apimon::cli::check(["apimon", second]);
    !parsed.is_err_and(|error| error.kind() == ErrorKind::InvalidSubcommand)
}

/// Each command once, filled in, in the order of the documents.
fn commands() -> Vec<Typed> {
    let mut seen = BTreeSet::new();
    let mut commands = Vec::new();
    for document in handbook::documents().unwrap() {
        for command in document.commands("apimon", is_command) {
            let stands = |word: &String| {
                let found = STANDS_FOR.iter().find(|(name, _)| name == word);
                found.map_or_else(|| word.clone(), |(_, is)| (*is).to_owned())
            };
            // A file to be checked is a configuration, any other a capture.
            let command = command.replace("config check FILE", "config check new.toml");
            let filled: Vec<String> = words(&command)
                .iter()
                .filter(|word| *word != "...")
                .map(stands)
                .collect();
            if seen.insert(filled.clone()) {
                let document = document.name.clone();
                commands.push(Typed {
                    words: filled,
                    document,
                });
            }
        }
    }
    commands
}

/// The host, on which somebody was found and dropped.
fn host(tag: &str) -> Installed {
    let host = Installed::open(tag, &package().unwrap(), &[]).unwrap();
    let installed = host.on_host("apt install ./*.deb").unwrap();
    assert!(installed.status.success(), "{}", said(&installed));
    host
}

/// Writes the configuration of the daemon.
fn configure(host: &Installed, text: &str) {
    fs::write(host.debian.path("etc/apimon/apimon.toml"), text).unwrap();
}

/// Somebody scans, and is dropped for it.
fn scan(host: &Installed) {
    let urls =
        format!("http://{HOST_V4}/{{.,admin,old}}/{{.env,.git/config,wp-login.php,backup.sql,id_rsa}}");
    let line = format!("curl --silent --max-time 2 --output /dev/null 'http://{HOST_V4}/' '{urls}'");
    host.elsewhere(&line).unwrap();
    wait::until_true("a case and a lease", PATIENCE, || {
        let client = host.client();
        client.cases().is_ok_and(|cases| cases.len() == 1)
            && client.leases().is_ok_and(|leases| !leases.is_empty())
    })
    .unwrap();
}

/// Runs one command and holds it to what the documents say.
fn check(host: &mut Installed, typed: &Typed) {
    let line = typed.line();
    let beside = |table: &[(&str, &str)], host: &Installed| {
        for (_, other) in table.iter().filter(|(begin, _)| line.starts_with(begin)) {
            let output = host.on_host(other).unwrap();
            assert!(output.status.success(), "`{other}`: {}", said(&output));
        }
    };
    beside(&FIRST, host);
    match typed.words().as_slice() {
        ["apimon", "top"] => on_a_terminal(host),
        ["apimon", "tail", ..] => followed(host, typed),
        ["apimon", "run", ..] => {
            host.stop().unwrap();
            let words = typed.words();
            let started = host.start_with(&words);
            assert!(started.is_ok(), "{}: `{line}`: {started:?}", typed.document);
        }
        ["apimon", "detach"] => {
            let refused = host.on_host("apimon detach").unwrap();
            assert_eq!(
                refused.status.code(),
                Some(5),
                "a daemon runs: {}",
                said(&refused)
            );
            host.stop().unwrap();
            plain(host, typed, 0);
            assert!(
                !host.site.lab().pins().exists(),
                "something is left in the kernel"
            );
            host.start().unwrap();
        }
        words => {
            // Named in a sentence, not told to be typed.
            let incomplete = apimon::cli::check(words.iter().copied()).is_err_and(|error| {
                matches!(
                    error.kind(),
                    ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                )
            });
            plain(host, typed, if incomplete { 2 } else { 0 });
        }
    }
    beside(&AFTER, host);
}

/// To its end, with an exit code and something to read.
fn plain(host: &Installed, typed: &Typed, code: i32) {
    let (line, document) = (typed.line(), &typed.document);
    let output = host.debian.output(&host.site.host, &typed.words()).unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(code), "{document}: `{line}`: {text}");
    assert!(!text.trim().is_empty(), "{document}: `{line}` says nothing");
    let says = SAYS
        .iter()
        .find(|(begin, _)| line.starts_with(begin))
        .filter(|_| code == 0 && !line.contains("--severity"));
    if let Some((_, word)) = says {
        assert!(
            text.contains(word),
            "{document}: `{line}` does not say {word}: {text}"
        );
    }
    if typed.words.last().is_some_and(|last| last == "--json") && code == 0 {
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    }
}

/// `apimon top` on a terminal, and its end by a key.
fn on_a_terminal(host: &Installed) {
    let line = "stty columns 100 rows 30; apimon top";
    let words = [
        "script",
        "--quiet",
        "--flush",
        "--return",
        "--command",
        line,
        "/dev/null",
    ];
    let mut command = host.debian.command(&host.site.host, &words);
    command.env("TERM", "xterm");
    let mut top = Running::start_with_stdin("top", &mut command, host.site.lab().dir()).unwrap();
    wait::until_true("the case on the screen", PATIENCE, || {
        top.stdout().contains("probing")
    })
    .unwrap();
    top.press("q").unwrap();
    let status = top.wait(PATIENCE).unwrap();
    assert!(status.success(), "{status}: {}", top.stdout());
}

/// `apimon tail`, ended by the one who reads. Where filters leave nothing of this log, it must go on all the same.
fn followed(host: &Installed, typed: &Typed) {
    // Whoever starts tests in the background of a shell has them ignore SIGINT, and what they start, too.
    let mut words = vec!["env", "--default-signal=INT"];
    words.extend(typed.words());
    let mut command = host.debian.command(&host.site.host, &words);
    let mut tail = Running::start("tail", &mut command, host.site.lab().dir()).unwrap();
    if typed.words.len() == 2 {
        wait::until_true("the log", PATIENCE, || tail.stdout().contains("probing")).unwrap();
    }
    assert!(tail.ended().is_none(), "{}: {}", typed.line(), tail.stderr());
    tail.signal(Signal::INT).unwrap();
    let status = tail.wait(PATIENCE).unwrap();
    assert_eq!(status.signal(), Some(2), "{}", tail.stderr());
}

/// What takes the daemon away comes last.
fn is_last(typed: &Typed) -> bool {
    matches!(typed.words().as_slice(), ["apimon", "run" | "detach", ..])
}

#[test]
fn every_command_of_the_documents_does_what_they_say() {
    let mut host = host("handbook");
    configure(&host, "mode = \"enforce\"\n[record]\nenabled = true\n");
    host.start().unwrap();
    scan(&host);
    pcap::write_scenario(WALK, &host.debian.path("capture.pcap")).unwrap();
    fs::write(host.debian.path("new.toml"), "[verdict]\nlease_seconds = 60\n").unwrap();
    let mut commands = commands();
    assert!(commands.len() > 55, "only {} found", commands.len());
    commands.sort_by_key(is_last);
    for typed in &commands {
        check(&mut host, typed);
    }
    let page = fs::read_to_string(host.debian.path("apimon-report.html")).unwrap();
    assert!(
        page.contains("id=\"case-1\""),
        "`apimon report` writes where it says"
    );
    for (begin, _) in SAYS {
        assert!(
            commands.iter().any(|typed| typed.line().starts_with(begin)),
            "no document has `{begin}`"
        );
    }
    by_curl(&host);
    host.stop().unwrap();
}

/// The control socket, as docs/integrate.md has it.
fn by_curl(host: &Installed) {
    let line = Document::named("docs/integrate.md")
        .unwrap()
        .blocks("sh")
        .concat();
    let socket = host.debian.path("run/apimon/control.sock");
    let line = line.replace("/run/apimon/control.sock", &socket.display().to_string());
    let status = process::output(Command::new("sh").args(["-c", &line])).unwrap();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["mode"], "enforce");
}

#[test]
fn every_configuration_of_the_documents_starts() {
    let mut host = host("handbookcfg");
    let mut seen = 0;
    for document in handbook::documents().unwrap() {
        for block in document.blocks("toml") {
            seen += 1;
            configure(&host, &block.replace("\"eth0\"", &format!("\"{INTERFACE}\"")));
            let started = host.start();
            assert!(started.is_ok(), "{}:\n{block}\n{started:?}", document.name);
            host.stop().unwrap();
        }
    }
    assert!(seen >= 5, "only {seen} found");
    by_environment(&host);
    by_nginx(&host);
}

/// The variables of docs/configuration.md, each with what it stands for.
fn by_environment(host: &Installed) {
    configure(host, "");
    let document = Document::named("docs/configuration.md").unwrap();
    let variables: Vec<&str> = document
        .text
        .lines()
        .filter(|line| line.starts_with("APIMON_"))
        .collect();
    assert!(variables.len() >= 4);
    let line = format!("env {} apimon config show --changed", variables.join(" "));
    let output = host.on_host(&line).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for variable in variables {
        let name = variable.split('=').next().unwrap();
        assert!(said(&output).contains(name), "{name}: {}", said(&output));
    }
}

/// What the guide puts into nginx, as nginx reads it.
fn by_nginx(host: &Installed) {
    let guide = Document::named("docs/guide.md").unwrap();
    let dir = host.site.lab().dir();
    let config = dir.join("sample.conf");
    let text = format!(
        "pid {0}/sample.pid; error_log {0}/sample.log; events {{}} http {{ access_log off; server {{ listen 81; location / {{ {1} \
         proxy_pass http://127.0.0.1:8080; }} }} }}",
        dir.display(),
        guide.blocks("nginx").concat()
    );
    fs::write(&config, text).unwrap();
    let mut nginx = Command::new("nginx");
    nginx
        .arg("-t")
        .arg("-e")
        .arg(dir.join("sample.log"))
        .arg("-c")
        .arg(&config);
    process::output(&mut nginx).unwrap();
}

#[test]
fn no_line_of_a_block_is_left_out() {
    for document in handbook::documents().unwrap() {
        let blocks = document.text.split("```").skip(1).step_by(2);
        // With a language of their own: configuration, which the other tests take.
        let typed =
            blocks.filter_map(|block| block.strip_prefix("sh\n").or_else(|| block.strip_prefix('\n')));
        for line in typed.flat_map(str::lines) {
            let (line, name) = (line.trim(), &document.name);
            let known = line.is_empty()
                || line.starts_with('#')
                || line.starts_with("apimon ")
                || ELSEWHERE.iter().any(|(begin, _)| line.starts_with(begin));
            assert!(known, "{name}: nobody runs `{line}`");
        }
    }
}

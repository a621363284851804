//! What happens in the demo, in order. Everything it starts ends with it.

use std::{net::IpAddr, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result, bail};
use apimon::{
    control::dto::Case,
    kernel::TimeBase,
    time::{Clock, Timestamp},
};
use apimon_tests::{
    client::Tally,
    daemon::{Apimon, Daemon},
    process::Running,
    programs,
    site::{HOST_V4, INTERFACE, PORT, Site},
    times, wait,
};
use serde_json::Value;

use crate::{
    INTERRUPTED, cast,
    proof::{Proof, Seen, is},
    say::{self, Teller},
};

/// The honest are alone for so long.
const QUIET: Duration = Duration::from_secs(6);
/// Within this every abuser must be found and dropped.
const FOUND_WITHIN: Duration = Duration::from_secs(12);
/// Abusers go on trying for so long after that.
const TRYING: Duration = Duration::from_secs(4);
/// Between two requests of the one who walks: a script without manners.
const WALKER_PAUSE_MS: &str = "1";
/// Between two requests with the stolen token.
const THIEF_PAUSE_MS: &str = "150";
/// Between two passwords, and two paths that are tried.
const TRIER_PAUSE_MS: &str = "100";
/// What is shown of a line of the log.
const SHOWN: [&str; 9] = [
    "/@timestamp",
    "/rule/name",
    "/event/action",
    "/event/severity",
    "/source/ip",
    "/apimon/actor",
    "/apimon/endpoint",
    "/apimon/verdict",
    "/apimon/evidence/summary",
];
/// The walker's next request comes a pause after the one that tipped the scale, and must not be answered; a busy
/// machine may delay it.
const REACTION_BOUND: Duration = Duration::from_millis(500);

/// Tells the whole story and gives what was proven.
pub(crate) fn tell(teller: &Teller) -> Result<Proof> {
    let mut addresses = cast::people();
    addresses.extend(cast::abusers());
    teller.say(&format!(
        "A network of namespaces: an API host, a router, and {} client addresses behind it.",
        addresses.len()
    ));
    let site = Site::build("demo", &addresses)?;
    let _shop = open_shop(&site, teller)?;
    let apimon = Apimon::new(site.lab()).flag(&[
        "--mode",
        "enforce",
        "--interface",
        INTERFACE,
        "--port",
        &PORT.to_string(),
    ]);
    let daemon = start_apimon(&apimon, &site, teller)?;
    Stage {
        teller,
        site: &site,
        apimon: &apimon,
    }
    .play(daemon)
}

fn open_shop(site: &Site, teller: &Teller) -> Result<Running> {
    let mut command = site.host.command(programs::sibling("demo-api")?);
    let shop = Running::start("demo-api", &mut command, site.lab().dir())?;
    wait::until_true("the shop's API", Duration::from_secs(5), || {
        shop.stdout().contains("listening")
    })?;
    teller.say(&format!(
        "On the host a shop's HTTP API listens at {HOST_V4}:{PORT}. It has a hole: any token may read any order."
    ));
    Ok(shop)
}

fn start_apimon<'a>(apimon: &'a Apimon, site: &Site, teller: &Teller) -> Result<Daemon<'a>> {
    let daemon = apimon.start(&site.host)?;
    teller.say(&format!(
        "On the host: apimon run --mode enforce --interface {INTERFACE} --port {PORT}"
    ));
    for interface in apimon.client().status()?.interfaces {
        say::detail(&format!(
            "watching {}: shield {}, tap {}",
            interface.name, interface.shield, interface.tap
        ));
    }
    Ok(daemon)
}

/// The stage while the play goes on.
struct Stage<'a> {
    teller: &'a Teller,
    site: &'a Site,
    apimon: &'a Apimon,
}

impl Stage<'_> {
    fn play(&self, mut daemon: Daemon<'_>) -> Result<Proof> {
        let people = cast::people();
        self.teller.say(&format!(
            "{} people use the shop, each from an own address, 2 to 10 requests a second. For {} s nothing else happens.",
            people.len(),
            QUIET.as_secs()
        ));
        let mut honest = self.clients("honest", &people, 1, "0")?;
        pause(QUIET)?;
        self.expect_quiet()?;

        self.teller.say(&format!(
            "{} logs in as user {} and reads one order after the other, whosever it is.",
            cast::walker(),
            cast::WALKER_USER
        ));
        let mut walker = self.clients("walk", &[cast::walker()], cast::WALKER_USER, WALKER_PAUSE_MS)?;
        self.await_drop("id-enumeration", &[cast::walker()])?;

        self.teller.say(&format!(
            "The token of user {}, who is at {}, has leaked: 6 other addresses use it at the same time.",
            cast::VICTIM_USER,
            cast::victim()
        ));
        let mut thieves = self.clients("steal", &cast::thieves(), cast::VICTIM_USER, THIEF_PAUSE_MS)?;
        self.await_drop("token-sharing", &cast::thieves())?;

        let mut triers = self.triers()?;

        self.teller.say(&format!(
            "The abusers go on trying for {} s, also with new connections.",
            TRYING.as_secs()
        ));
        pause(TRYING)?;
        let walker = finish(&mut walker)?;
        let mut others = told_of("token-sharing", &mut thieves)?;
        for (rule, clients) in &mut triers {
            others.extend(told_of(rule, clients)?);
        }
        let people = finish(&mut honest)?;
        self.teller
            .say("All clients have stopped. What the command line says:");
        let views = self.show_views()?;
        let seen = Seen {
            people,
            walker: walker.into_iter().next().context("the walker told nothing")?,
            others,
            sources: self.apimon.client().sources(1000)?,
            cases: self.apimon.client().cases()?,
            leases: self.apimon.client().leases()?,
            said: views + &self.apimon.everything_said(),
        };
        let mut proof = Proof::of(&seen);
        let reaction = Self::reaction(&seen.cases, &seen.walker);
        proof.reaction(&seen, reaction, REACTION_BOUND);
        daemon.terminate()?;
        proof.tell(self.teller);
        Ok(proof)
    }

    /// Three more, each alone and with a trade of his own.
    fn triers(&self) -> Result<Vec<(&'static str, Running)>> {
        let trades = [
            (
                "guess",
                cast::guesser(),
                cast::GUESSED_USER,
                "brute-force",
                format!("guesses the password of user {}.", cast::GUESSED_USER),
            ),
            (
                "spray",
                cast::sprayer(),
                cast::SPRAYED_USER,
                "password-spray",
                "tries one common password with one user after the other.".to_owned(),
            ),
            (
                "scan",
                cast::scanner(),
                0,
                "probing",
                "looks for what careless people leave on servers: /.env, /.git/config, /api/admin."
                    .to_owned(),
            ),
        ];
        let mut started = Vec::new();
        for (habit, source, user, rule, does) in trades {
            self.teller.say(&format!("{source} {does}"));
            started.push((rule, self.clients(habit, &[source], user, TRIER_PAUSE_MS)?));
            self.await_drop(rule, &[source])?;
        }
        Ok(started)
    }

    /// Starts clients of one habit.
    fn clients(&self, habit: &str, sources: &[IpAddr], user: u32, pause_ms: &str) -> Result<Running> {
        let mut command = self.site.clients.command(programs::sibling("demo-client")?);
        command
            .arg(habit)
            .args(["--user", &user.to_string(), "--pause-ms", pause_ms]);
        for source in sources {
            command.arg("--source").arg(source.to_string());
        }
        Running::start_with_stdin(
            &format!("demo-client-{habit}"),
            &mut command,
            self.site.lab().dir(),
        )
    }

    /// Honest use alone opens no case.
    fn expect_quiet(&self) -> Result<()> {
        let status = self.apimon.client().status()?;
        say::detail(&format!(
            "apimon has seen {} packets and {} transactions: {} cases, {} leases",
            status.totals.packets, status.totals.transactions, status.totals.cases, status.totals.leases
        ));
        if status.totals.transactions == 0 {
            bail!("apimon has read no transaction");
        }
        if status.totals.cases != 0 {
            bail!(
                "apimon suspects honest people: {:?}",
                self.apimon.client().cases()?
            );
        }
        Ok(())
    }

    /// Waits until all of `sources` hold leases, telling each as it comes, and shows the case's line in the log.
    fn await_drop(&self, rule: &str, sources: &[IpAddr]) -> Result<()> {
        let start = wait::now_ns();
        let mut told: Vec<IpAddr> = Vec::new();
        let mut line_shown = false;
        while told.len() < sources.len() {
            go_on()?;
            if wait::elapsed(start) > FOUND_WITHIN {
                bail!("{rule}: only {told:?} of {sources:?} are dropped after {FOUND_WITHIN:?}");
            }
            let leases = self.apimon.client().leases()?;
            for source in sources {
                let lease = leases.iter().find(|lease| is(&lease.source, *source));
                if let Some(lease) = lease.filter(|_| !told.contains(source)) {
                    self.teller.say(&format!("DROPPED {source}: {}", lease.reason));
                    told.push(*source);
                }
            }
            line_shown = line_shown || self.show_line(rule);
            std::thread::sleep(Duration::from_millis(10));
        }
        if !line_shown {
            wait::until_true("the case's line in the log", Duration::from_secs(2), || {
                self.show_line(rule)
            })?;
        }
        Ok(())
    }

    /// Shows the first line of the log about a case of `rule`, if it is there.
    fn show_line(&self, rule: &str) -> bool {
        let lines = self.apimon.log_lines();
        let of_rule = |line: &&Value| line.pointer("/rule/name").and_then(Value::as_str) == Some(rule);
        let Some(line) = lines.iter().find(of_rule) else {
            return false;
        };
        let said = line.to_string();
        let title = format!("Its line in apimon.log ({} bytes of JSON), in part:", said.len());
        self.teller.say(&title);
        for path in SHOWN {
            if let Some(value) = line.pointer(path) {
                say::detail(&format!(
                    "{} = {value}",
                    path.trim_start_matches('/').replace('/', ".")
                ));
            }
        }
        true
    }

    /// Shows what a user would look at, and gives what was shown.
    fn show_views(&self) -> Result<String> {
        let mut shown = String::new();
        for words in [&["cases"][..], &["block", "list"], &["sources", "--limit", "5"]] {
            let output = self.apimon.ask(words)?;
            say::show(&format!("apimon {}", words.join(" ")), &output);
            shown.push_str(&output);
        }
        let status = self.apimon.client().status()?;
        self.teller.say("The kernel's counters of the shield:");
        let shield = status.counters.get("kernel").into_iter().flatten();
        for (name, value) in shield.filter(|(name, _)| name.starts_with("shield_")) {
            say::detail(&format!("{name:<34} {value:>9}"));
        }
        Ok(shown)
    }

    /// From the last byte of the request that tipped the scale (the case's first time) to the walker's next request,
    /// which was dropped. The kernel's own stamp of the first drop is of its coarse clock, up to a tick behind.
    fn reaction(cases: &[Case], walker: &Tally) -> Option<Duration> {
        let case = cases.iter().find(|case| case.rule == "id-enumeration")?;
        let tipped = Timestamp::from_nanos(times::parse_rfc3339(&case.opened)?);
        let dropped = TimeBase::now(Clock).wall(walker.first_failure.as_ref()?.asked_ns);
        Some(dropped.since(tipped))
    }
}

/// Asks clients to stop and takes what they tell.
fn finish(clients: &mut Running) -> Result<Vec<Tally>> {
    clients.finish(Duration::from_secs(10))?;
    clients
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).context("a client told nonsense"))
        .collect()
}

/// The same, each with the rule that is to find them.
fn told_of(rule: &'static str, clients: &mut Running) -> Result<Vec<(&'static str, Tally)>> {
    let tallies = finish(clients)?;
    Ok(tallies.into_iter().map(|tally| (rule, tally)).collect())
}

/// Lets time go by, unless somebody presses Ctrl-C.
fn pause(span: Duration) -> Result<()> {
    let start = wait::now_ns();
    while wait::elapsed(start) < span {
        go_on()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Fails once somebody has pressed Ctrl-C.
fn go_on() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}

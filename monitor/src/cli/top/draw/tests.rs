use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    style::{Color, Modifier},
};

use super::{
    super::{
        feed::{Ask, Message, Snapshot},
        input::{self, Action},
        model::Model,
        order::{Deed, Order},
    },
    *,
};
use crate::control::dto::{
    Actor, Case, CaseSource, Endpoint, Explanation, History, Interface, Lease, Point, Source, Status, Sums,
};

const PLAIN: Theme = Theme {
    colour: false,
    unicode: true,
};

fn second(n: u64) -> Timestamp {
    Timestamp::from_nanos(1_767_323_045_000_000_000 + n * 1_000_000_000)
}

fn point(packets: u64) -> Point {
    Point {
        seconds: 1.0,
        sums: Sums {
            packets,
            transactions: packets / 4,
            dropped: packets / 10,
            ..Sums::default()
        },
        ..Point::default()
    }
}

fn case(number: u32, severity: u8, rule: &str) -> Case {
    Case {
        number,
        severity,
        rule: rule.into(),
        actor: "tok:9f3a1c02b4d5".into(),
        endpoint: "GET /orders/{id}".into(),
        verdict: "drop".into(),
        findings: 12,
        sources: vec![CaseSource {
            source: "203.0.113.66".into(),
            ..CaseSource::default()
        }],
        ..Case::default()
    }
}

fn snapshot() -> Snapshot {
    let mut status = Status {
        version: "0.1.0".into(),
        ports: vec![8080],
        interfaces: vec![Interface {
            name: "eth0".into(),
            shield: "native".into(),
            tap: "tcx".into(),
        }],
        uptime_seconds: 11_520,
        memory_bytes: 36 << 20,
        ..Status::default()
    };
    status.totals.cases = 3;
    status.totals.leases = 1;
    status.losses.insert("reader.gap_bytes".into(), 77);
    Snapshot {
        status,
        history: History {
            step_seconds: 1,
            points: (0..90).map(|n| point(n * 10)).collect(),
        },
        cases: vec![
            case(1, 40, "scraping"),
            case(2, 80, "id-enumeration"),
            case(3, 60, "brute-force"),
        ],
        sources: vec![Source {
            source: "203.0.113.66".into(),
            packets: 900,
            dropped: 30,
            ..Source::default()
        }],
        actors: vec![Actor {
            actor: "client:192.0.2.7".into(),
            requests: 5,
            ..Actor::default()
        }],
        endpoints: vec![Endpoint {
            endpoint: "GET /orders/{id}".into(),
            requests: 5,
            ..Endpoint::default()
        }],
        leases: vec![Lease {
            source: "203.0.113.66".into(),
            left_seconds: 600,
            enforced: true,
            reason: "id-enumeration: walks".into(),
            ..Lease::default()
        }],
    }
}

fn model() -> Model {
    let mut model = Model::default();
    model.size = (80, 24);
    model.take(Message::Look(Box::new(snapshot())), second(0));
    model
}

fn press(model: &mut Model, keys: &str) -> Action {
    let mut last = Action::None;
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\t' => KeyCode::Tab,
            c => KeyCode::Char(c),
        };
        last = input::key(model, KeyEvent::new(code, KeyModifiers::NONE));
    }
    last
}

fn terminal(model: &Model, theme: Theme, (width, height): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(frame, model, theme, second(1)))
        .unwrap();
    terminal
}

fn shown(model: &Model, size: (u16, u16)) -> Vec<String> {
    let terminal = terminal(model, PLAIN, size);
    let buffer = terminal.backend().buffer();
    let line = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..size.1).map(|y| line(y).trim_end().to_owned()).collect()
}

fn screen(model: &Model) -> String {
    shown(model, (80, 24)).join("\n")
}

#[test]
fn all_of_it_stands_on_80_by_24() {
    let lines = shown(&model(), (80, 24));
    let text = lines.join("\n");
    assert!(
        lines[0].starts_with("apimon 0.1.0  observe  up 3h 12m  eth0 :8080"),
        "{text}"
    );
    assert!(lines[0].ends_with("03:04:06 UTC"), "{text}");
    for said in [
        "packets/s 890",
        "requests/s 222",
        "dropped/s 89",
        "cases 3 open, 3 in all",
        "leases 1",
        "kinds of loss 1",
        "ring 0 lost",
        "memory 36.0 MiB",
        " 1 cases 3  2 sources 1  3 actors 1  4 endpoints 1  5 leases 1  6 losses 1",
        "GET /orders/{id}",
        "id-enumeration",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    let at = |name: &str| lines.iter().position(|line| line.contains(name)).unwrap();
    assert!(at("id-enumeration") < at("brute-force") && at("brute-force") < at("scraping"));
    assert!(lines[23].starts_with("by open, then severity"), "{text}");
}

#[test]
fn every_size_is_drawn_and_the_least_says_what_it_needs() {
    for size in [(1, 1), (39, 24), (40, 12), (80, 24), (120, 40), (300, 100)] {
        for keys in ["", "2", "3", "4", "5", "6", "?", "/x", "\n", "b"] {
            let mut model = model();
            model.size = size;
            press(&mut model, keys);
            shown(&model, size);
            shown(&Model::default(), size);
        }
    }
    assert!(shown(&model(), (60, 5))[0].contains("needs 40 columns"));
}

#[test]
fn a_line_is_chosen_and_stays_chosen_where_it_goes() {
    let mut model = model();
    press(&mut model, "j");
    assert_eq!(model.chosen_key(), Some(Key::Case(3)));
    let mut later = snapshot();
    later.cases[2].severity = 99;
    model.take(Message::Look(Box::new(later)), second(1));
    assert_eq!(model.chosen_key(), Some(Key::Case(3)));
    assert_eq!(model.chosen(), 0);
    let mut gone = snapshot();
    gone.cases.remove(2);
    model.take(Message::Look(Box::new(gone)), second(2));
    assert_eq!(model.chosen_key(), Some(Key::Case(2)), "what stands there now");
}

#[test]
fn filters_and_orders_change_the_list() {
    let mut model = model();
    press(&mut model, "/BRUTE");
    assert!(screen(&model).lines().last().unwrap().starts_with("/BRUTE"));
    press(&mut model, "\n");
    let text = screen(&model);
    assert!(
        text.contains("brute-force") && !text.contains("scraping"),
        "{text}"
    );
    press(&mut model, "\u{1b}");
    assert!(screen(&model).contains("scraping"));
    press(&mut model, "sss");
    assert_eq!(
        (model.order().0, model.chosen_key()),
        ("number", Some(Key::Case(3)))
    );
    press(&mut model, "rg");
    assert_eq!(model.chosen_key(), Some(Key::Case(1)));
}

#[test]
fn nothing_is_done_without_a_yes() {
    let wanted = Order {
        deed: Deed::Block,
        nets: vec!["203.0.113.66".parse().unwrap()],
    };
    for keys in ["b", "2b", "5b"] {
        let mut model = model();
        assert_eq!(press(&mut model, keys), Action::None);
        assert!(screen(&model).contains("Drop everything from 203.0.113.66"));
        assert_eq!(press(&mut model, "n"), Action::None);
        assert!(screen(&model).contains("nothing was done"));
        press(&mut model, keys);
        assert_eq!(
            press(&mut model, "y"),
            Action::Ask(Ask::Do(wanted.clone())),
            "{keys}"
        );
    }
    let mut model = model();
    press(&mut model, "4b");
    assert!(screen(&model).contains("no address of its own"));
    assert_eq!(
        press(&mut model, "3ay"),
        Action::Ask(Ask::Do(Order {
            deed: Deed::Allow,
            nets: vec!["192.0.2.7".parse().unwrap()],
        }))
    );
}

#[test]
fn a_case_is_explained_when_the_answer_is_there() {
    let mut model = model();
    assert_eq!(press(&mut model, "\n"), Action::Ask(Ask::Explain(2)));
    assert!(screen(&model).contains("asking the daemon why"));
    let explanation = Explanation {
        case: case(2, 80, "id-enumeration"),
        counts: "distinct objects".into(),
        undo: (0..60).map(|n| format!("apimon block remove {n}")).collect(),
        ..Explanation::default()
    };
    model.take(Message::Explained(Box::new(explanation)), second(1));
    let text = screen(&model);
    assert!(
        text.contains("case 2: id-enumeration") && text.contains("why it fired"),
        "{text}"
    );
    for _ in 0..20 {
        input::key(&mut model, KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE));
    }
    assert!(
        screen(&model).contains("apimon block remove 59"),
        "the end can be reached"
    );
    press(&mut model, "k");
    assert!(
        !screen(&model).contains("apimon block remove 59"),
        "and left at once"
    );
    press(&mut model, "\u{1b}");
    assert!(screen(&model).contains("scraping"));
}

#[test]
fn a_daemon_that_is_gone_is_said_and_what_was_known_stays() {
    let mut model = Model::default();
    model.take(Message::Lost("cannot reach the daemon at /x".into()), second(0));
    let text = screen(&model);
    assert!(
        text.contains("NO DAEMON") && text.contains("cannot reach the daemon at /x"),
        "{text}"
    );
    model.take(Message::Look(Box::new(snapshot())), second(0));
    model.take(Message::Lost("gone".into()), second(1));
    let text = screen(&model);
    assert!(
        text.contains("NO ANSWER") && text.contains("id-enumeration"),
        "{text}"
    );
    model.take(Message::Look(Box::new(snapshot())), second(1));
    assert!(!screen(&model).contains("NO ANSWER"), "it is back");
}

#[test]
fn hostile_text_is_shown_and_does_nothing() {
    let hostile = "\u{1b}[2J\u{7}\u{202e}\r\n日本語日本語日本語日本語日本語日本語";
    let mut bad = snapshot();
    bad.status.version = hostile.into();
    bad.status.interfaces[0].name = hostile.into();
    bad.cases[0].actor = hostile.into();
    bad.cases[0].endpoint = hostile.repeat(20);
    bad.endpoints[0].endpoint = hostile.repeat(20);
    bad.actors[0].actor = hostile.into();
    bad.leases[0].reason = hostile.repeat(20);
    bad.status.losses.insert(hostile.into(), 1);
    let mut model = model();
    model.take(Message::Look(Box::new(bad)), second(0));
    model.take(Message::Refused(hostile.into()), second(0));
    for keys in [
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "1G\n",
        "\u{1b}4\n",
        "\u{1b}/\u{1b}[2J",
    ] {
        press(&mut model, keys);
        for line in shown(&model, (80, 24)) {
            assert!(!line.chars().any(char::is_control), "{keys:?}: {line:?}");
            assert!(!line.contains('\u{202e}'), "{keys:?}: {line:?}");
        }
    }
}

#[test]
fn without_colour_nothing_is_coloured_and_what_is_chosen_still_shows() {
    for theme in [
        PLAIN,
        Theme {
            colour: false,
            unicode: false,
        },
    ] {
        let terminal = terminal(&model(), theme, (80, 24));
        let cells = terminal.backend().buffer().content();
        assert!(
            cells
                .iter()
                .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
        );
        assert!(
            cells
                .iter()
                .any(|cell| cell.modifier.contains(Modifier::REVERSED))
        );
        let ascii = cells.iter().all(|cell| cell.symbol().is_ascii());
        assert_eq!(ascii, !theme.unicode);
    }
    let coloured = Theme {
        colour: true,
        unicode: true,
    };
    let terminal = terminal(&model(), coloured, (80, 24));
    let cells = terminal.backend().buffer().content();
    assert!(cells.iter().any(|cell| cell.fg != Color::Reset));
}

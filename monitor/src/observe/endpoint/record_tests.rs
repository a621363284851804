use super::*;
use crate::observe::{
    Extra, Observation,
    endpoint::{EndpointSettings, OPERATIONS},
    identity::InstallKey,
    target,
};

const KEY: InstallKey = InstallKey([3; 16]);

fn table() -> EndpointTable {
    EndpointTable::new(EndpointSettings::default(), KEY)
}

fn ask(table: &mut EndpointTable, method: &str, path: &str, operation: Option<&str>) -> String {
    let target = target::parse(path.as_bytes(), &KEY);
    let extra = operation.map(|name| {
        Box::new(Extra {
            operation: Some(name.into()),
            ..Extra::default()
        })
    });
    let observation = Observation {
        method: method.into(),
        path: target.path,
        status: Some(200),
        extra,
        ..crate::observe::tests::observation()
    };
    let resolved = table.resolve(&observation, 1);
    table.name(resolved.endpoint)
}

fn learned() -> EndpointTable {
    let mut table = table();
    for path in [
        "/orders/7",
        "/orders",
        "/reports/2024-02-29",
        "/users/hunter2",
        "/v1/a/b",
    ] {
        ask(&mut table, "GET", path, None);
    }
    for i in 0..60u8 {
        let name: String = [b'a' + i % 26, b'e', b'l', b'a' + i / 26]
            .map(char::from)
            .iter()
            .collect();
        ask(&mut table, "GET", &format!("/people/{name}"), None);
    }
    ask(&mut table, "POST", "/graphql", Some("getOrder"));
    table
}

#[test]
fn what_was_learned_is_known_after_a_restart() {
    let mut before = learned();
    let json = serde_json::to_string(&before.record()).unwrap();
    let mut after = table();
    after.restore(serde_json::from_str(&json).unwrap()).unwrap();
    assert_eq!(after.record(), before.record());
    for path in [
        "/orders/8",
        "/people/zora",
        "/users/hunter2",
        "/new",
        "/people/aela",
        "/orders",
    ] {
        assert_eq!(
            ask(&mut after, "GET", path, None),
            ask(&mut before, "GET", path, None),
            "{path}"
        );
    }
    let one = ask(&mut after, "POST", "/graphql", Some("getOrder"));
    assert_eq!(one, "POST /graphql#getOrder");
    assert_eq!(after.len(), before.len());
    let (id, endpoint) = after.iter().find(|(_, e)| e.operation().is_some()).unwrap();
    assert_eq!((endpoint.requests, after.usage(id).unwrap().statuses[2]), (2, 2));
}

#[test]
fn operations_are_endpoints_of_their_own_and_bounded() {
    let mut table = table();
    for i in 0..1000 {
        ask(&mut table, "POST", "/graphql", Some(&format!("op{i}")));
    }
    assert_eq!(
        ask(&mut table, "POST", "/graphql", Some("op9")),
        "POST /graphql#op9"
    );
    assert_eq!(
        ask(&mut table, "POST", "/graphql", Some("op999")),
        "POST /graphql"
    );
    assert_eq!(ask(&mut table, "POST", "/graphql", Some("a b")), "POST /graphql");
    assert_eq!(table.len(), OPERATIONS + 1);
}

#[test]
fn what_does_not_fit_is_refused_as_a_whole() {
    let sound = learned().record();
    let refused = |change: &dyn Fn(&mut Record)| {
        let mut record = sound.clone();
        change(&mut record);
        let mut table = table();
        let error = table.restore(record).unwrap_err();
        assert!(table.is_empty());
        error
    };
    assert_eq!(refused(&|r| r.nodes.clear()), RecordError::NoTree);
    assert_eq!(refused(&|r| r.nodes[0].label = Label::Id), RecordError::NoTree);
    assert_eq!(refused(&|r| r.nodes[3].parent = 3), RecordError::NoTree);
    assert_eq!(refused(&|r| r.nodes[3].parent = 999), RecordError::NoTree);
    assert_eq!(refused(&|r| r.endpoints[0].node = 9999), RecordError::NoTree);
    assert_eq!(
        refused(&|r| r.endpoints[0].operation = Some("x\n".into())),
        RecordError::NoTree
    );
    assert_eq!(
        refused(&|r| r.nodes[2].label = Label::Literal {
            text: "x".repeat(257).into(),
            doubtful: false
        }),
        RecordError::NoTree
    );
    let many = |r: &mut Record| r.endpoints = vec![r.endpoints[0].clone(); 10_001];
    assert_eq!(refused(&many), RecordError::TooMany);
    let mut known = learned();
    assert_eq!(known.restore(sound.clone()), Err(RecordError::TooMany));
}

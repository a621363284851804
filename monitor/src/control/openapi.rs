//! `docs/openapi.json` is made here, of the routes and of the types that cross the socket, and every answer that a test
//! gets is held to it. For tests: the daemon itself serves no document.
//!
//! A route or field that was added or changed makes [`the_file_is_what_is_served`] fail;
//! `APIMON_WRITE_DOCS=1 cargo test -p apimon openapi` writes the file anew.

use std::{path::PathBuf, sync::LazyLock};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    dto::{
        Actor, Allow, AllowRequest, BlockRequest, Case, Endpoint, Explanation, History, Lease, Refused,
        Reloaded, Silence, SilenceRequest, Source, Status,
    },
    routes::{ROUTES, Route},
};
use crate::verify::Verified;

/// Where types are found in the document.
const PLACE: &str = "/components/schemas";

/// What the document says of a route beyond method and path.
struct Told {
    operation: &'static str,
    summary: &'static str,
    takes: Option<Value>,
    gives: Value,
}

/// Collects the types that are spoken of: as they are written by the daemon, and as it reads them.
struct Types {
    given: SchemaGenerator,
    taken: SchemaGenerator,
}

impl Types {
    fn new() -> Self {
        let place = |settings: SchemaSettings| {
            settings.with(|settings| {
                settings.definitions_path = PLACE.into();
                settings.meta_schema = None;
            })
        };
        Self {
            given: place(SchemaSettings::draft2020_12().for_serialize()).into_generator(),
            taken: place(SchemaSettings::draft2020_12().for_deserialize()).into_generator(),
        }
    }

    fn one<T: JsonSchema>(&mut self) -> Value {
        self.given.subschema_for::<T>().to_value()
    }

    fn list<T: JsonSchema>(&mut self) -> Value {
        json!({ "type": "array", "items": self.one::<T>() })
    }

    fn body<T: JsonSchema>(&mut self) -> Value {
        self.taken.subschema_for::<T>().to_value()
    }

    /// What the document says of `route`.
    fn told(&mut self, route: &Route) -> Told {
        let (operation, summary, takes, gives) = match (route.method, route.path) {
            ("GET", "/v1/status") => ("status", "The state of the whole", None, self.one::<Status>()),
            ("GET", "/v1/sources") => ("sources", "The busiest sources", None, self.list::<Source>()),
            ("GET", "/v1/actors") => ("actors", "The busiest actors", None, self.list::<Actor>()),
            ("GET", "/v1/history") => (
                "history",
                "What happened over time: the last ten minutes, or the last day",
                None,
                self.one::<History>(),
            ),
            ("GET", "/v1/cases") => (
                "cases",
                "All cases kept, in the order of their numbers",
                None,
                self.list::<Case>(),
            ),
            ("GET", "/v1/cases/{number}") => ("case", "One case", None, self.one::<Case>()),
            ("GET", "/v1/cases/{number}/explain") => (
                "explain",
                "Why a case is one, what would not have been, what is done, and how to undo or silence it",
                None,
                self.one::<Explanation>(),
            ),
            ("GET", "/v1/endpoints") => (
                "endpoints",
                "The endpoints, the most used first",
                None,
                self.list::<Endpoint>(),
            ),
            ("GET", "/v1/silences") => ("silences", "The silences in force", None, self.list::<Silence>()),
            ("POST", "/v1/silences") => (
                "silence",
                "Adds a silence",
                Some(self.body::<SilenceRequest>()),
                self.one::<Silence>(),
            ),
            ("DELETE", "/v1/silences/{number}") => {
                ("unsilence", "Ends a silence", None, self.one::<Silence>())
            }
            ("GET", "/v1/leases") => ("leases", "The leases in force", None, self.list::<Lease>()),
            ("PUT", "/v1/leases/{net}") => (
                "block",
                "Gives a lease by hand; an empty body asks for the usual one",
                Some(self.body::<BlockRequest>()),
                self.one::<Lease>(),
            ),
            ("DELETE", "/v1/leases/{net}") => ("unblock", "Ends a lease", None, self.one::<Lease>()),
            ("GET", "/v1/allow") => (
                "allows",
                "The nets that are never blocked, by configuration and by hand",
                None,
                self.list::<Allow>(),
            ),
            ("PUT", "/v1/allow/{net}") => (
                "allow",
                "Exempts a net from blocks, for good where the body says nothing",
                Some(self.body::<AllowRequest>()),
                self.one::<Allow>(),
            ),
            ("DELETE", "/v1/allow/{net}") => {
                ("disallow", "Takes an exemption back", None, self.one::<Allow>())
            }
            ("GET", "/v1/verify") => (
                "verify",
                "What differs between ledger and kernel",
                None,
                self.one::<Verified>(),
            ),
            ("POST", "/v1/verify") => (
                "repair",
                "The same, after mending what can be mended",
                None,
                self.one::<Verified>(),
            ),
            ("POST", "/v1/reload") => (
                "reload",
                "Reads the configuration again, and takes over what can change while the daemon runs",
                None,
                self.one::<Reloaded>(),
            ),
            other => panic!("{other:?} is served, and nothing is said of it in control/openapi.rs"),
        };
        Told {
            operation,
            summary,
            takes,
            gives,
        }
    }
}

/// The whole document.
fn document() -> Value {
    let mut types = Types::new();
    let refused = types.one::<Refused>();
    let mut paths = json!({});
    for route in ROUTES {
        let told = types.told(route);
        let mut said = json!({
            "operationId": told.operation,
            "summary": told.summary,
            "parameters": parameters(route.path),
            "responses": {
                "200": { "description": "Done", "content": { "application/json": { "schema": told.gives } } },
                "default": {
                    "description": "Why it was not done",
                    "content": { "application/json": { "schema": refused } },
                },
            },
        });
        if let Some(body) = told.takes {
            let required = route.method == "POST";
            said["requestBody"] =
                json!({ "required": required, "content": { "application/json": { "schema": body } } });
        }
        if route.method != "GET" {
            said["description"] =
                "For root, and the user that the daemon runs as. Is a line of the log.".into();
        }
        paths[route.path][route.method.to_lowercase()] = said;
    }
    let mut schemas = types.given.take_definitions(true);
    schemas.extend(types.taken.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "apimon control socket",
            "version": "1",
            "description": "HTTP/1.1 over a unix socket: `curl --unix-socket /run/apimon/control.sock http://apimon/v1/status`. \
                Times are RFC 3339 in UTC, spans seconds, sizes bytes. The version in the path is raised when an answer loses or \
                changes a field; new fields come without notice.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://apimon" }],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn parameters(path: &str) -> Value {
    let of = |name: &str, place: &str, schema: Value, about: &str| {
        let required = place == "path";
        json!([{ "name": name, "in": place, "required": required, "schema": schema, "description": about }])
    };
    match path {
        "/v1/sources" | "/v1/actors" => of(
            "limit",
            "query",
            json!({ "type": "integer", "minimum": 1, "maximum": 65_536, "default": 20 }),
            "How many at most",
        ),
        "/v1/cases" | "/v1/endpoints" => of(
            "limit",
            "query",
            json!({ "type": "integer", "minimum": 1, "maximum": 65_536 }),
            "How many at most; all without it",
        ),
        "/v1/history" => of(
            "step",
            "query",
            json!({ "enum": ["second", "minute"], "default": "second" }),
            "Of the last ten minutes by seconds, or of the last day by minutes",
        ),
        _ if path.contains("{number}") => of(
            "number",
            "path",
            json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            "Its number",
        ),
        _ if path.contains("{net}") => of(
            "net",
            "path",
            json!({ "type": "string" }),
            "An address, or a net in CIDR form; its slash and colons may be written %2F and %3A",
        ),
        _ => json!([]),
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The document as it checks answers: there, a field that it does not name is an error. Who reads answers must take
/// such.
static STRICT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = DOCUMENT.clone();
    close(&mut document["components"]["schemas"]);
    document
});

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".into(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Holds the answer to a request to the document: of a served route to what it gives, else to the form of a refusal.
pub(super) fn hold(request: &str, answer: &str) {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        panic!("no whole answer to {request}: {answer}");
    };
    let said = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    assert_eq!(said.map(str::parse), Some(Ok(body.len())), "{answer}");
    // What hyper itself refuses has no body.
    if body.is_empty() {
        return;
    }
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {answer}"));
    let mut words = request.split([' ', '?']);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let ok = head.starts_with("HTTP/1.1 200 ");
    let route = ROUTES
        .iter()
        .find(|route| route.method == method && route.fits(path));
    let key = if ok { "200" } else { "default" };
    let schema = match route {
        Some(route) => {
            let said = &STRICT["paths"][route.path][method.to_lowercase()];
            said["responses"][key]["content"]["application/json"]["schema"].clone()
        }
        None => json!({ "$ref": "#/components/schemas/Refused" }),
    };
    assert!(route.is_some() || !ok, "{request} is served and is no route");
    let mut schema = json!({ "allOf": [schema] });
    schema["components"] = STRICT["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert!(wrong.is_empty(), "{request}: {}\n{body}", wrong.join("\n"));
}

#[test]
fn the_file_is_what_is_served() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let made = serde_json::to_string_pretty(&*DOCUMENT).unwrap() + "\n";
    if std::env::var_os("APIMON_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "docs/openapi.json is not what is served; write it anew: APIMON_WRITE_DOCS=1 cargo test -p apimon openapi"
    );
}

fn gather(value: &Value, operations: &mut Vec<String>, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("operationId", Value::String(text)) => operations.push(text.clone()),
                    ("$ref", Value::String(text)) => references.push(text.clone()),
                    _ => gather(value, operations, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, operations, references)),
        _ => {}
    }
}

#[test]
fn the_file_names_each_operation_once_and_every_reference_leads_somewhere() {
    let mut operations = Vec::new();
    let mut references = Vec::new();
    gather(&DOCUMENT, &mut operations, &mut references);
    assert_eq!(operations.len(), ROUTES.len());
    operations.sort();
    operations.dedup();
    assert_eq!(operations.len(), ROUTES.len(), "{operations:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("only within the file");
        assert!(DOCUMENT.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_route_answers_as_the_file_says() {
    let (_dir, path, _listening) = super::tests::server();
    for route in ROUTES {
        let target = route
            .path
            .replace("{net}", "192.0.2.0/24")
            .replace("{number}", "7");
        let body = match route.path {
            "/v1/silences" if route.method == "POST" => {
                r#"{"conditions":{"net":"192.0.2.0/24"},"comment":"x"}"#
            }
            _ => "",
        };
        let request = format!(
            "{} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            route.method,
            body.len()
        );
        let answer = super::tests::raw(&path, &request);
        let expected = match (route.method, route.path) {
            // The one that the table of the tests never finds.
            ("DELETE", "/v1/allow/{net}") => "HTTP/1.1 404 ",
            _ => "HTTP/1.1 200 ",
        };
        assert!(answer.starts_with(expected), "{request}: {answer}");
    }
}

#[test]
#[should_panic(expected = "Additional properties")]
fn a_field_that_the_file_does_not_name_is_noticed() {
    let mut status = serde_json::to_value(super::filled::status()).unwrap();
    status["surprise"] = 1.into();
    let body = status.to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}", body.len());
    hold("GET /v1/status HTTP/1.1", &format!("{head}\r\n\r\n{body}"));
}

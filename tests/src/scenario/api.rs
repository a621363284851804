//! APIs as the files of `scenarios/apis` describe them: kinds of objects, endpoints, who may see what. Must not know
//! who uses them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// One API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Its host name.
    pub host: String,
    /// How its users prove who they are.
    pub auth: Auth,
    /// How long a token is good, minutes.
    #[serde(default = "an_hour")]
    pub token_minutes: u64,
    /// Whether whoever is refused is given a session that is worth nothing, as many servers do.
    #[serde(default)]
    pub sessions_for_all: bool,
    /// How it writes what it answers.
    #[serde(default)]
    pub shape: Shape,
    /// The field of an object that says whose it is; empty: none says it.
    #[serde(default = "user_id")]
    pub owner_field: String,
    /// Kinds of objects, by name.
    pub objects: BTreeMap<String, ObjectKind>,
    /// Endpoints, by name.
    pub endpoints: BTreeMap<String, EndpointFile>,
    /// What a user does in a session, by endpoint, with weights.
    pub habits: BTreeMap<String, u32>,
}

fn an_hour() -> u64 {
    60
}

fn user_id() -> String {
    "user_id".to_owned()
}

/// How an API writes what it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// `{"items":[..],"page":1,"total":9}`
    #[default]
    Items,
    /// `[..]`
    Array,
    /// `{"data":{"orders":{"edges":[{"node":..}]}}}`, errors with status 200.
    Graph,
    /// `{"links":{"self":"/orders/7"},..}`: an object is known by its address alone.
    Links,
}

/// How users prove who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// JSON Web Token as bearer token.
    Jwt,
    /// Bearer token without inner form.
    Opaque,
    /// Session cookie.
    Session,
    /// API key in a header.
    Key,
    /// Name and password with every request.
    Basic,
}

/// One kind of object.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectKind {
    /// What its ids look like.
    pub ids: Ids,
    /// The first number, for ids that are or hold numbers.
    #[serde(default)]
    pub first: u64,
    /// So many belong to nobody.
    #[serde(default)]
    pub public: usize,
    /// So many a user has, from and to: many have few, few have many.
    #[serde(default)]
    pub owned: [usize; 2],
    /// What the field of its id is called.
    #[serde(default = "id")]
    pub field: String,
    /// Whether owners share some of it with others.
    #[serde(default)]
    pub shared: bool,
}

fn id() -> String {
    "id".to_owned()
}

/// What ids look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ids {
    /// 1042
    Number,
    /// INV-1042
    Prefixed,
    /// RFC 9562
    Uuid,
    /// 24 hexadecimal digits
    Hex,
    /// anna-berg-17
    Slug,
    /// 26 letters and digits, of which the first ten tell the time.
    Ulid,
    /// 18 digits with holes.
    Snowflake,
    /// Base64 of the kind and a number.
    Global,
    /// 2026/01/3fa9c1/17.jpg
    Key,
}

/// One endpoint, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointFile {
    /// Method and target: `GET /orders/{order}?page={page}`. The kind of object that stands last is what it is about;
    /// others are what that belongs to. `page`, `offset`, `cursor`, `date` and `term` go on with each call.
    pub call: String,
    /// JSON body of the request.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether it needs no credential.
    #[serde(default)]
    pub open: bool,
    /// Whether it needs an administrator.
    #[serde(default)]
    pub admin: bool,
    /// What it checks.
    #[serde(default)]
    pub guard: Guard,
    /// Answers with a list of this kind of object.
    #[serde(default)]
    pub lists: Option<String>,
    /// Makes one of this kind of object.
    #[serde(default)]
    pub creates: Option<String>,
    /// Elements of one page of a list.
    #[serde(default = "page_len")]
    pub page_len: usize,
    /// Bytes of filling in each answer.
    #[serde(default)]
    pub filling_bytes: usize,
    /// Whether this is the login.
    #[serde(default)]
    pub login: bool,
    /// Status of a success.
    #[serde(default)]
    pub status: Option<u16>,
    /// A secret that the answer holds: `provider-key`, or `token` of somebody else.
    #[serde(default)]
    pub leaks: Option<String>,
}

fn page_len() -> usize {
    20
}

/// What an endpoint answers about an object of another user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
pub enum Guard {
    /// 403
    #[default]
    #[serde(rename = "403")]
    Forbidden,
    /// 404
    #[serde(rename = "404")]
    Hidden,
    /// The object: it does not look.
    #[serde(rename = "none")]
    None,
    /// One or the other, by the object.
    #[serde(rename = "mixed")]
    Mixed,
}

impl EndpointFile {
    /// Whether a token that has expired is exchanged for a new one here.
    pub fn renews(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.contains("{refresh}"))
    }
}

/// One endpoint, read.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name in the file.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its target, with placeholders.
    pub target: String,
    /// The kind of object that the placeholders name, by index.
    pub object: Option<usize>,
    /// The kind that it lists.
    pub lists: Option<usize>,
    /// The kind that it makes.
    pub creates: Option<usize>,
    /// The rest, as written.
    pub file: EndpointFile,
}

/// The kind whose placeholder stands last: what stands before it is what the object belongs to.
fn last_kind(kinds: &[(String, ObjectKind)], text: &str) -> Option<usize> {
    let at = |name: &str| text.rfind(&format!("{{{name}}}"));
    (0..kinds.len())
        .filter(|kind| kinds.get(*kind).is_some_and(|(name, _)| at(name).is_some()))
        .max_by_key(|kind| kinds.get(*kind).and_then(|(name, _)| at(name)))
}

/// An API, with names resolved.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file.
    pub api: Api,
    /// Kinds of objects, in the order of their names.
    pub kinds: Vec<(String, ObjectKind)>,
    /// Endpoints, in the order of their names.
    pub endpoints: Vec<Endpoint>,
    /// What users do, with weights.
    pub habits: Vec<(usize, u32)>,
}

impl Plan {
    /// Resolves the names of a file.
    pub fn new(api: Api) -> Result<Self> {
        let kinds: Vec<_> = api.objects.clone().into_iter().collect();
        for name in [
            "user", "password", "page", "offset", "cursor", "date", "term", "me", "token", "refresh",
        ] {
            ensure!(
                !api.objects.contains_key(name),
                "{name} stands for something else"
            );
        }
        let kind = |name: &str| kinds.iter().position(|(known, _)| known == name);
        let mut endpoints = Vec::new();
        for (name, file) in &api.endpoints {
            let (method, target) = file.call.split_once(' ').context("METHOD TARGET")?;
            let text = format!("{target}{}", file.body.as_deref().unwrap_or_default());
            let of = |name: &Option<String>| -> Result<Option<usize>> {
                let Some(name) = name else { return Ok(None) };
                kind(name).map(Some).with_context(|| format!("no kind {name}"))
            };
            endpoints.push(Endpoint {
                name: name.clone(),
                method: method.to_owned(),
                target: target.to_owned(),
                object: last_kind(&kinds, &text),
                lists: of(&file.lists)?,
                creates: of(&file.creates)?,
                file: file.clone(),
            });
        }
        let mut habits = Vec::new();
        for (name, weight) in &api.habits {
            let at = endpoints.iter().position(|endpoint| endpoint.name == *name);
            habits.push((at.with_context(|| format!("no endpoint {name}"))?, *weight));
        }
        ensure!(!endpoints.is_empty(), "an API without endpoints");
        Ok(Self {
            api,
            kinds,
            endpoints,
            habits,
        })
    }

    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Result<usize> {
        let at = self.endpoints.iter().position(|endpoint| endpoint.name == name);
        at.with_context(|| format!("no endpoint {name}"))
    }
}

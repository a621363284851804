//! Parameters that were given more than once, in the query, in the body, or in both. Must not know what they are for.
//!
//! Two parts of a server may take different ones of them: what one checks is not what the other uses.

use super::{
    ObjectId,
    extra::Repeated,
    identity::{InstallKey, space},
    names::{NAME_BYTES, id_about},
    reference,
    target::escape,
};

/// Parameters of one message that are compared.
const GIVEN: usize = 32;
/// Longest value that is compared, bytes.
const VALUE_BYTES: usize = 256;

/// What ends the name of a parameter that is an element of a list.
const LIST: &[u8] = b"[]";

/// Whether the path has an object of what a parameter is called like: `org`, of `/orgs/acme/members`.
fn is_object_of(path: &[u8], name: &[u8]) -> bool {
    let mut segments = path.split(|byte| matches!(byte, b'/' | b'?'));
    let is_kind = |segment: &[u8]| {
        let head = segment.get(..name.len());
        let many: &[u8] = segment.get(name.len()..).unwrap_or_default();
        head.is_some_and(|head| head.eq_ignore_ascii_case(name)) && matches!(many, b"" | b"s" | b"es")
    };
    !name.is_empty() && segments.any(is_kind) && segments.next().is_some_and(|object| !object.is_empty())
}

/// The parameters of one message so far.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Given {
    fields: Vec<Field>,
    repeated: Option<Repeated>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Field {
    /// Keyed hash of its path in small letters.
    path: u64,
    value: ObjectId,
    times: u16,
    is_id: bool,
    /// Its name says that it is one of a list: `user_id[]`.
    listed: bool,
}

impl Given {
    /// Takes a parameter. `path` is a slash and its name, or that of a field within others.
    pub(super) fn add(&mut self, path: &[u8], name: &[u8], value: &[u8], key: &InstallKey) {
        let listed = path.ends_with(LIST);
        let (path, name) = (
            path.strip_suffix(LIST).unwrap_or(path),
            name.strip_suffix(LIST).unwrap_or(name),
        );
        let mut small = [0; NAME_BYTES + 1];
        let Some(small) = small.get_mut(..path.len()).filter(|_| value.len() <= VALUE_BYTES) else {
            return;
        };
        small.copy_from_slice(path);
        small.make_ascii_lowercase();
        let path = key.hash(space::NAME, small);
        let refers = reference::read(value).filter(|refers| refers.bare);
        let value = ObjectId::new(refers.map_or(value, |refers| refers.id), key);
        if let Some(field) = self.fields.iter_mut().find(|field| field.path == path) {
            field.times = field.times.saturating_add(1);
            // Elements of a list have different values.
            if field.value != value && !(listed && field.listed) {
                let field = *field;
                self.repeat(&field, name, value, false);
            }
        } else if self.fields.len() < GIVEN {
            self.fields.push(Field {
                path,
                value,
                times: 1,
                is_id: refers.is_some() || id_about(name).is_some(),
                listed,
            });
        }
    }

    /// What was given more than once with different values; one that carries an object id before others. `path` is that
    /// of the request.
    pub(super) fn repeated(self, path: &str) -> Option<Repeated> {
        let mut repeated = self.repeated?;
        repeated.is_id |= is_object_of(path.as_bytes(), repeated.name.as_bytes());
        Some(repeated)
    }

    /// Whether something was.
    pub(super) fn is_repeated(&self) -> bool {
        self.repeated.is_some()
    }

    /// Nothing was repeated after all.
    pub(super) fn forget(&mut self) {
        self.repeated = None;
    }

    /// Notes a parameter of the query that the body (`self`) has as well, with another value. Only object ids: forms
    /// have their own reasons to have other things in both.
    pub(super) fn also_in_query(&mut self, name: &[u8], value: &[u8], key: &InstallKey) {
        if self.fields.is_empty() || id_about(name).is_none() || name.len() > NAME_BYTES {
            return;
        }
        let mut path = Vec::with_capacity(NAME_BYTES + 1);
        path.push(b'/');
        path.extend(name.iter().map(u8::to_ascii_lowercase));
        let path = key.hash(space::NAME, &path);
        let value = ObjectId::new(value, key);
        let other = self
            .fields
            .iter()
            .find(|field| field.path == path && field.value != value);
        if let Some(field) = other.copied() {
            let field = Field {
                times: field.times.saturating_add(1),
                ..field
            };
            self.repeat(&field, name, value, true);
        }
    }

    fn repeat(&mut self, field: &Field, name: &[u8], value: ObjectId, across: bool) {
        match &mut self.repeated {
            Some(known) if *known.name == *escape(name, NAME_BYTES) => {
                known.times = field.times;
                known.across |= across;
            }
            Some(known) if known.is_id || !field.is_id => {}
            repeated => {
                *repeated = Some(Repeated {
                    name: escape(name, NAME_BYTES),
                    times: field.times,
                    is_id: field.is_id,
                    across,
                    values: [field.value, value],
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey([3; 16]);

    fn given(fields: &[(&str, &str)]) -> Given {
        let mut given = Given::default();
        for (name, value) in fields {
            given.add(
                format!("/{name}").as_bytes(),
                name.as_bytes(),
                value.as_bytes(),
                &KEY,
            );
        }
        given
    }

    #[test]
    fn different_values_of_one_name() {
        let repeated = given(&[("user_id", "7"), ("x", "1"), ("USER_ID", "8"), ("user_id", "9")])
            .repeated("/x")
            .unwrap();
        assert_eq!(
            (repeated.times, repeated.is_id, repeated.across),
            (2, true, false)
        );
        assert_eq!(repeated.values.map(|value| value.number), [Some(7), Some(8)]);
        assert_eq!(given(&[("user_id", "7"), ("user_id", "7")]).repeated("/x"), None);
        assert_eq!(given(&[("user_id", "7"), ("order_id", "8")]).repeated("/x"), None);
        let tags = given(&[("tag", "a"), ("tag", "b"), ("tag", "c")])
            .repeated("/x")
            .unwrap();
        assert_eq!((tags.times, tags.is_id), (3, false));
    }

    #[test]
    fn a_list_is_one_value_and_something_beside_it_another() {
        let list = [("user_id[]", "7"), ("user_id[]", "8")];
        assert_eq!(given(&list).repeated("/x"), None);
        let both = given(&[("user_id", "7"), ("user_id[]", "8")]).repeated("/x");
        assert!(both.is_some_and(|both| both.is_id && &*both.name == "user_id"));
    }

    #[test]
    fn what_is_called_like_an_object_of_the_path_is_one() {
        let orgs = || given(&[("org", "acme"), ("org", "umbrella")]);
        let is_id = |path: &str| orgs().repeated(path).unwrap().is_id;
        assert!(is_id("/api/orgs/acme/members"));
        assert!(is_id("/org/acme"));
        for path in ["/api/orgs", "/api/orgs/", "/organs/7", "/members/acme", ""] {
            assert!(!is_id(path), "{path}");
        }
    }

    #[test]
    fn ids_count_more() {
        let fields = [("tag", "a"), ("tag", "b"), ("id", "1"), ("id", "2"), ("tag", "c")];
        assert_eq!(&*given(&fields).repeated("/x").unwrap().name, "id");
    }

    #[test]
    fn in_query_and_body() {
        let mut body = given(&[("account_id", "7"), ("note", "x")]);
        body.also_in_query(b"note", b"y", &KEY);
        body.also_in_query(b"account_id", b"7", &KEY);
        assert_eq!(body.clone().repeated("/x"), None);
        body.also_in_query(b"Account_Id", b"8", &KEY);
        let repeated = body.repeated("/x").unwrap();
        assert!(repeated.across && repeated.is_id);
        assert_eq!(repeated.times, 2);
    }

    #[test]
    fn bounded() {
        let names: Vec<String> = (0..1000).map(|n| format!("n{n}")).collect();
        let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        assert_eq!(given(&fields).fields.len(), GIVEN);
        assert_eq!(given(&[(&"n".repeat(200), "x")]).fields.len(), 0);
    }
}

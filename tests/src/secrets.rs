//! Secrets planted in the traffic, and the search for them in what apimon says. None may be found.
//!
//! Must not know where apimon writes.

use crate::api::Shop;

/// Values that stand in requests and responses of the suites and nowhere else.
#[derive(Clone, Debug)]
pub struct Planted {
    values: Vec<(String, String)>,
}

impl Planted {
    /// The credentials of the API's users.
    pub fn of_users(users: impl IntoIterator<Item = u32>) -> Self {
        let values = users.into_iter().flat_map(|user| {
            [
                (format!("token of user {user}"), Shop::token(user)),
                (format!("password of user {user}"), Shop::password(user)),
                (format!("e-mail of user {user}"), Shop::email(user)),
            ]
        });
        Self {
            values: values.collect(),
        }
    }

    /// Adds a value.
    #[must_use]
    pub fn and(mut self, what: &str, value: &str) -> Self {
        self.values.push((what.to_owned(), value.to_owned()));
        self
    }

    /// What of it stands in `text`, by name: never the value, or this would leak it itself.
    pub fn found_in(&self, text: &str) -> Vec<&str> {
        self.values
            .iter()
            .filter(|(_, value)| text.contains(value.as_str()))
            .map(|(what, _)| what.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_secret_is_found_by_name() {
        let planted = Planted::of_users([3]).and("cookie", "session=planted");
        assert_eq!(planted.found_in("nothing here"), Vec::<&str>::new());
        assert_eq!(
            planted.found_in(&format!("x {} session=planted", Shop::token(3))),
            ["token of user 3", "cookie"]
        );
    }
}

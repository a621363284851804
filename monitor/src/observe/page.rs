//! Which part of a list a request asks for. Must not know how the list is made.

use super::{
    extra::Page,
    identity::{InstallKey, space},
    names::NAME_BYTES,
    words::{self, Pages},
};

/// Most digits of a number that counts pages or elements; more are times or ids.
const DIGITS: usize = 15;

/// What was found so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Asking {
    place: Option<(u64, Option<u64>)>,
    limit: Option<u64>,
}

impl Asking {
    /// Takes a parameter.
    #[inline]
    pub(super) fn field(&mut self, name: &[u8], value: &[u8], key: &InstallKey) {
        if let Some(says) = words::pages(name) {
            self.take(says, name, value, key);
        }
    }

    fn take(&mut self, says: Pages, name: &[u8], value: &[u8], key: &InstallKey) {
        let number = number(value);
        match says {
            Pages::Limit => self.limit = self.limit.or(number),
            Pages::Number if number.is_none() => {}
            Pages::Cursor if value.is_empty() => {}
            Pages::Number | Pages::Cursor => {
                let mut small = [0; NAME_BYTES];
                if let Some(small) = small.get_mut(..name.len())
                    && self.place.is_none()
                {
                    small.copy_from_slice(name);
                    small.make_ascii_lowercase();
                    self.place = Some((key.hash(space::PAGE, small), number));
                }
            }
        }
    }

    /// With what the query says; what is here already stays.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            place: self.place.or(other.place),
            limit: self.limit.or(other.limit),
        }
    }

    /// Which part it is; `None` where none is named.
    pub(super) fn page(self) -> Option<Page> {
        self.place.map(|(parameter, number)| Page {
            parameter,
            number,
            limit: self.limit,
        })
    }
}

fn number(value: &[u8]) -> Option<u64> {
    if value.len() > DIGITS {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey([3; 16]);

    fn page(fields: &[(&str, &str)]) -> Option<(Option<u64>, Option<u64>)> {
        let mut asking = Asking::default();
        for (name, value) in fields {
            asking.field(name.as_bytes(), value.as_bytes(), &KEY);
        }
        asking.page().map(|page| (page.number, page.limit))
    }

    #[test]
    fn pages() {
        assert_eq!(
            page(&[("page", "3"), ("per_page", "50")]),
            Some((Some(3), Some(50)))
        );
        assert_eq!(
            page(&[("limit", "20"), ("offset", "40")]),
            Some((Some(40), Some(20)))
        );
        assert_eq!(
            page(&[("page[number]", "2"), ("page[size]", "9")]),
            Some((Some(2), Some(9)))
        );
        assert_eq!(page(&[("$skip", "10"), ("$top", "5")]), Some((Some(10), Some(5))));
        assert_eq!(page(&[("cursor", "abc=")]), Some((None, None)));
        assert_eq!(page(&[("limit", "20")]), None);
        assert_eq!(page(&[("from", "2026-01-01")]), None);
        assert_eq!(page(&[("name", "x"), ("cursor", "")]), None);
    }
}

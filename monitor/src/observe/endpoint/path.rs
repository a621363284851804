//! The segments of a path as they count for templates. Must not know about the tree.
//!
//! The keys of `OData` stand behind the name, in parentheses: `Orders(17)` (`OData` 4.01, URL conventions, section
//! 4.3.1). They count as segments of their own, as they do where a service writes `Orders/17`.

/// Most segments of a template; what is behind is `{unknown}`.
const DEPTH: usize = 16;

/// The segments of a path, without empty ones, dot segments and matrix parameters.
#[derive(Default)]
pub(super) struct Path<'a> {
    segments: [&'a str; DEPTH],
    len: usize,
    /// Whether there were more.
    pub(super) cut: bool,
}

impl<'a> Path<'a> {
    /// Takes a path apart.
    pub(super) fn read(&mut self, path: &'a str) {
        let (mut start, mut parameters) = (0, None);
        for (at, byte) in path.bytes().enumerate() {
            if byte == b'/' {
                self.add(path.get(start..parameters.unwrap_or(at)).unwrap_or_default());
                (start, parameters) = (at + 1, None);
            } else if byte == b';' && parameters.is_none() {
                parameters = Some(at);
            }
        }
        self.add(
            path.get(start..parameters.unwrap_or(path.len()))
                .unwrap_or_default(),
        );
    }

    fn add(&mut self, segment: &'a str) {
        match keyed(segment) {
            Some((name, key)) => {
                self.put(name);
                self.put(key);
            }
            None => self.put(segment),
        }
    }

    fn put(&mut self, segment: &'a str) {
        match segment {
            "" | "." => {}
            ".." if !self.cut => self.len = self.len.saturating_sub(1),
            _ => match self.segments.get_mut(self.len) {
                Some(slot) if !self.cut => {
                    *slot = segment;
                    self.len += 1;
                }
                _ => self.cut = true,
            },
        }
    }

    /// Whether there is room for more segments.
    pub(super) fn is_short(&self) -> bool {
        self.len < DEPTH && !self.cut
    }

    /// The segments, in order.
    pub(super) fn segments(&self) -> &[&'a str] {
        self.segments.get(..self.len).unwrap_or_default()
    }
}

/// Name and key of a segment of `OData`: `Orders(17)`, `Users('anna')`, `Orders(Id=17)`.
fn keyed(segment: &str) -> Option<(&str, &str)> {
    let inner = segment.strip_suffix(')')?;
    let (name, key) = inner.split_once('(')?;
    let key = match key.split_once('=') {
        Some((_, value)) if !key.contains(',') => value,
        _ => key,
    };
    let key = key
        .strip_prefix("guid")
        .filter(|rest| rest.starts_with('\''))
        .unwrap_or(key);
    let bare = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\''));
    let key = bare.unwrap_or(key);
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    (is_name && !key.is_empty() && !key.contains(['(', ')'])).then_some((name, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_odata_are_segments() {
        for (path, segments) in [
            (
                "/odata/Orders(412001)/Items",
                &["odata", "Orders", "412001", "Items"][..],
            ),
            ("/odata/Users('anna')", &["odata", "Users", "anna"]),
            ("/odata/Orders(Id=17)", &["odata", "Orders", "17"]),
            ("/odata/Docs(guid'0f')", &["odata", "Docs", "0f"]),
            ("/odata/Lines(A=1,B=2)", &["odata", "Lines", "A=1,B=2"]),
            ("/odata/GetAll()", &["odata", "GetAll()"]),
            ("/wiki/Mercury_(planet)", &["wiki", "Mercury_", "planet"]),
            ("/a/(17)", &["a", "(17)"]),
            ("/a/f((1))", &["a", "f((1))"]),
        ] {
            let mut read = Path::default();
            read.read(path);
            assert_eq!(read.segments(), segments, "{path}");
        }
    }
}

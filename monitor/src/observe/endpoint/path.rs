//! The segments of a path as they count for templates. Must not know about the tree.

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

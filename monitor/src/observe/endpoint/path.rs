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
        for segment in path.split('/') {
            let segment = segment.split(';').next().unwrap_or_default();
            match segment {
                "" | "." => {}
                ".." => self.len = self.len.saturating_sub(1),
                _ => {
                    let Some(slot) = self.segments.get_mut(self.len) else {
                        self.cut = true;
                        return;
                    };
                    *slot = segment;
                    self.len += 1;
                }
            }
        }
    }

    /// The segments, in order.
    pub(super) fn segments(&self) -> &[&'a str] {
        self.segments.get(..self.len).unwrap_or_default()
    }
}

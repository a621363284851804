//! Aligned columns. Must not know what stands in them.

use std::io;

use super::{
    out::{Out, Tone},
    text::{cut, safe},
};

/// Widest cell; what is longer is cut.
const CELL: usize = 60;

/// How a column stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows under headings.
pub(super) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. What stands in it may come from outside: it is made safe for a terminal.
    pub(super) fn toned<const N: usize>(&mut self, cells: [(String, Tone); N]) {
        let shown = cells
            .into_iter()
            .map(|(cell, tone)| (cut(&safe(&cell), CELL).into_owned(), tone));
        self.rows.push(shown.collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn print(&self, out: &mut Out) -> io::Result<()> {
        let widths = self.widths();
        let heading = self
            .columns
            .iter()
            .map(|(name, _)| ((*name).to_owned(), Tone::Dim))
            .collect();
        for row in std::iter::once(&heading).chain(&self.rows) {
            let line = self.line(row, &widths, out);
            out.line(format_args!("{}", line.trim_end()))?;
        }
        Ok(())
    }

    fn line(&self, row: &[(String, Tone)], widths: &[usize], out: &Out) -> String {
        let mut line = String::new();
        for (((cell, tone), width), (_, align)) in row.iter().zip(widths).zip(&self.columns) {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let cell = out.tinted(*tone, cell);
            let (first, second) = match align {
                Align::Left => (cell, padding),
                Align::Right => (padding, cell),
            };
            line.extend([first.as_str(), second.as_str(), "  "]);
        }
        line
    }

    fn widths(&self) -> Vec<usize> {
        let column = |(index, (name, _)): (usize, &(&str, Align))| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            cells
                .map(|(cell, _)| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(name.len())
        };
        self.columns.iter().enumerate().map(column).collect()
    }
}

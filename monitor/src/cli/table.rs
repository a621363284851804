//! Aligned columns that fit the terminal. Must not know what stands in them.

use std::{cmp::Reverse, io};

use super::{
    out::{Out, Tone},
    text::{self, cut, safe},
};

/// Widest cell where nothing else says how wide it may be, columns of the terminal.
const CELL: usize = 60;
/// Between two columns.
const GAP: usize = 2;

/// How a column stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Align {
    Left,
    Right,
}

/// A column: its heading, how it stands, and how it gives way where the terminal is too narrow for all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Column {
    name: &'static str,
    align: Align,
    /// Its cells may be cut to so many columns of the terminal.
    least: Option<usize>,
    /// It may be left out; those with the greatest number go first.
    spare: u8,
}

impl Column {
    const fn new(name: &'static str, align: Align) -> Self {
        Self {
            name,
            align,
            least: None,
            spare: 0,
        }
    }

    /// For text.
    pub(super) const fn left(name: &'static str) -> Self {
        Self::new(name, Align::Left)
    }

    /// For numbers.
    pub(super) const fn right(name: &'static str) -> Self {
        Self::new(name, Align::Right)
    }

    /// Its cells may be cut, but not shorter than this.
    #[must_use]
    pub(super) const fn cut_to(mut self, least: usize) -> Self {
        self.least = Some(least);
        self
    }

    /// It may be left out; those with the greatest number go first.
    #[must_use]
    pub(super) const fn spare(mut self, order: u8) -> Self {
        self.spare = order;
        self
    }
}

/// A cell: what stands in it, and how loud it is meant.
pub(super) type Cell = (String, Tone);

/// Rows under headings.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. What stands in it may come from outside: it is made safe for a terminal.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let shown = cells
            .into_iter()
            .map(|(cell, tone)| (safe(&cell).into_owned(), tone));
        self.rows.push(shown.collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn print(&self, out: &mut Out) -> io::Result<()> {
        for line in self.lines(out.width()) {
            let tinted = line.iter().map(|(text, tone)| out.tinted(*tone, text));
            let line: String = tinted.collect();
            out.line(format_args!("{line}"))?;
        }
        Ok(())
    }

    /// The headings and then the rows, as pieces of lines of at most `width` columns of the terminal, if that can be.
    pub(super) fn lines(&self, width: Option<usize>) -> Vec<Vec<Cell>> {
        let widths = self.fit(width);
        let names = self.columns.iter().map(|column| column.name.to_owned());
        let heading: Vec<Cell> = names.map(|name| (name, Tone::Dim)).collect();
        let rows = std::iter::once(&heading).chain(&self.rows);
        rows.map(|row| self.line(row, &widths)).collect()
    }

    /// One line. What stands in the last column needs no blanks behind it.
    fn line(&self, row: &[Cell], widths: &[usize]) -> Vec<Cell> {
        let mut line = Vec::new();
        let mut blanks = 0;
        for (((cell, tone), width), column) in row.iter().zip(widths).zip(&self.columns) {
            if *width == 0 {
                continue;
            }
            let cell = cut(cell, *width);
            let padding = width.saturating_sub(text::width(&cell));
            let (before, after) = match column.align {
                Align::Left => (0, padding),
                Align::Right => (padding, 0),
            };
            if blanks + before > 0 {
                line.push((" ".repeat(blanks + before), Tone::Plain));
            }
            line.push((cell.into_owned(), *tone));
            blanks = after + GAP;
        }
        line
    }

    /// The width of each column; 0: left out.
    fn fit(&self, width: Option<usize>) -> Vec<usize> {
        let natural = self.natural();
        let Some(room) = width else { return natural };
        let mut spare: Vec<usize> = (0..self.columns.len()).collect();
        spare.retain(|at| self.columns.get(*at).is_some_and(|column| column.spare > 0));
        spare.sort_by_key(|at| self.columns.get(*at).map(|column| Reverse(column.spare)));
        let mut kept = natural;
        let mut spare = spare.into_iter();
        loop {
            let mut fitted = kept.clone();
            if self.narrow(&mut fitted, room) {
                return fitted;
            }
            let Some(width) = spare.next().and_then(|at| kept.get_mut(at)) else {
                return fitted;
            };
            *width = 0;
        }
    }

    /// Cuts the widest columns that may be cut until all fit; whether they do.
    fn narrow(&self, widths: &mut [usize], room: usize) -> bool {
        loop {
            if total(widths) <= room {
                return true;
            }
            let cuttable = widths
                .iter_mut()
                .zip(&self.columns)
                .filter_map(|(width, column)| {
                    let least = column.least?;
                    (*width > least).then_some(width)
                });
            let Some(widest) = cuttable.max_by_key(|width| **width) else {
                return false;
            };
            *widest -= 1;
        }
    }

    fn natural(&self) -> Vec<usize> {
        let column = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|(cell, _)| text::width(cell)).max().unwrap_or(0);
            widest.min(CELL).max(column.name.len())
        };
        self.columns.iter().enumerate().map(column).collect()
    }
}

/// Columns of the terminal that all take together.
fn total(widths: &[usize]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0);
    let (count, sum) = shown.fold((0_usize, 0), |(count, sum), width| (count + 1, sum + width));
    sum + GAP * count.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            Column::left("NAME").cut_to(6),
            Column::right("COUNT"),
            Column::left("SINCE").spare(1),
            Column::left("NOTE").cut_to(4).spare(2),
        ]);
        let cells = |cells: [&str; 4]| cells.map(|cell| (cell.to_owned(), Tone::Plain));
        table.row(cells(["a-long-name-of-it", "7", "yesterday", "nothing at all"]));
        table.row(cells(["日本語", "1234", "now", "\u{1b}[2J"]));
        table
    }

    fn shown(width: Option<usize>) -> Vec<String> {
        let text = |line: Vec<Cell>| line.into_iter().map(|(text, _)| text).collect();
        table().lines(width).into_iter().map(text).collect()
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        assert_eq!(
            shown(None),
            [
                "NAME               COUNT  SINCE      NOTE",
                "a-long-name-of-it      7  yesterday  nothing at all",
                "日本語              1234  now        \\u{1b}[2J",
            ]
        );
    }

    #[test]
    fn the_widest_is_cut_first_and_then_the_spare_left_out() {
        assert_eq!(
            shown(Some(40))[1..],
            [
                "a-long-na…      7  yesterday  nothing a…",
                "日本語       1234  now        \\u{1b}[2J"
            ]
        );
        assert_eq!(
            shown(Some(24))[1..],
            ["a-lon…      7  yesterday", "日本語   1234  now"]
        );
        assert_eq!(shown(Some(16))[1..], ["a-long-n…      7", "日本語      1234"]);
        // What is needed is shown, however narrow it is.
        assert_eq!(shown(Some(3))[1..], ["a-lon…      7", "日本語   1234"]);
    }
}

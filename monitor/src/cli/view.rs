//! How a list is shown: as a table, or as JSON. Every command that lists things does it this way. Must not know the
//! things.

use anyhow::Result;
use serde::Serialize;

use super::{
    out::{Out, Tone},
    table::{Cell, Column, Table},
};

/// What can stand in a list.
pub(super) trait Row {
    /// The columns of its table.
    const COLUMNS: &'static [Column];

    /// What stands in each.
    fn cells(&self) -> Vec<Cell>;
}

/// Shows a list; `none` is said of an empty one.
pub(super) fn list<T: Row + Serialize>(items: &[T], json: bool, none: &str, out: &mut Out) -> Result<()> {
    if json {
        return Ok(out.json(&items)?);
    }
    if items.is_empty() {
        return Ok(out.line(format_args!("{none}"))?);
    }
    Ok(table(items).print(out)?)
}

/// The list as a table.
pub(super) fn table<T: Row>(items: &[T]) -> Table {
    let mut table = Table::new(T::COLUMNS);
    for item in items {
        table.row(item.cells());
    }
    table
}

/// A cell without any tone.
pub(super) fn plain(text: impl Into<String>) -> Cell {
    (text.into(), Tone::Plain)
}

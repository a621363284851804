//! What operators enter and take out again: blocks, exemptions, silences. All are told of in the same way. Must not
//! know what they do.

use anyhow::Result;
use serde::Serialize;

use super::{
    out::{Out, Tone},
    text,
    view::Row,
};

/// What an operator entered.
pub(super) trait Entry: Row + Serialize {
    /// What was done by entering it, line by line.
    fn entered(&self) -> Vec<String>;

    /// What was done by taking it out.
    fn taken_out(&self) -> String;

    /// The command that undoes the entering.
    fn undo(&self) -> String;

    /// What must be known besides.
    fn warning(&self) -> Option<String> {
        None
    }
}

/// Tells of an entry that was made.
pub(super) fn entered<T: Entry>(entry: &T, json: bool, out: &mut Out) -> Result<()> {
    if json {
        return Ok(out.json(entry)?);
    }
    for line in entry.entered() {
        out.line(format_args!("{}", text::safe(&line)))?;
    }
    warn(entry, out)?;
    Ok(out.line(format_args!("undo: {}", text::safe(&entry.undo())))?)
}

/// Tells of an entry that was taken out.
pub(super) fn taken_out<T: Entry>(entry: &T, json: bool, out: &mut Out) -> Result<()> {
    if json {
        return Ok(out.json(entry)?);
    }
    out.line(format_args!("{}", text::safe(&entry.taken_out())))?;
    warn(entry, out)
}

fn warn<T: Entry>(entry: &T, out: &mut Out) -> Result<()> {
    let Some(why) = entry.warning() else {
        return Ok(());
    };
    let word = out.tinted(Tone::Bad, "warning");
    Ok(out.line(format_args!("{word}: {}", text::safe(&why)))?)
}

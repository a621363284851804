//! Telling: plain text with the time since the start, readable at 80 columns. Must not know what is told.

use apimon_tests::wait;

/// Columns of a line.
const WIDTH: usize = 80;
/// Columns of the time stamp, and of the indentation below it.
const MARGIN: usize = 10;

/// Tells what happens.
#[derive(Debug)]
pub(crate) struct Teller {
    start_ns: u64,
}

impl Teller {
    /// The story begins now.
    pub(crate) fn new() -> Self {
        Self {
            start_ns: wait::now_ns(),
        }
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        wait::elapsed(self.start_ns).as_secs_f64()
    }

    /// A sentence, with the time.
    pub(crate) fn say(&self, text: &str) {
        let stamp = format!("{:>6.1} s  ", self.seconds());
        for (number, line) in wrap(text, WIDTH - MARGIN).iter().enumerate() {
            let margin = if number == 0 { stamp.as_str() } else { "          " };
            println!("{margin}{line}");
        }
    }
}

/// A detail below a sentence.
pub(crate) fn detail(text: &str) {
    for line in wrap(text, WIDTH - MARGIN - 2) {
        println!("{:MARGIN$}  {line}", "");
    }
}

/// The output of a command, cut where the line ends.
pub(crate) fn show(command: &str, output: &str) {
    println!();
    println!("  $ {command}");
    for line in output.trim_end().lines() {
        if line.chars().count() > WIDTH - 2 {
            println!("  {}...", line.chars().take(WIDTH - 5).collect::<String>());
        } else {
            println!("  {line}");
        }
    }
    println!();
}

/// `text` in lines of at most `width` columns, broken at spaces; a longer word is broken where the line ends.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while word.chars().count() > width {
            let cut = word.char_indices().nth(width).map_or(word.len(), |(at, _)| at);
            let (head, rest) = word.split_at(cut);
            lines.push(head.to_owned());
            word = rest;
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_only_if_need_be_in_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
    }
}

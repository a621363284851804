//! The nearest right name for a mistyped one. Must not know what the names stand for.

/// The name among `known` that `typed` was most likely meant to be; `None` where none is near.
pub(super) fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|name| (distance(&typed, name), *name))
        .filter(|(edits, name)| {
            *edits <= 1 + name.len() / 4 || name.starts_with(&typed) || typed.starts_with(name)
        })
        .min()
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words: optimal string alignment.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let replace = at(&last, j) + usize::from(x != *y);
            let mut best = replace.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = j > 0 && previous == Some(*y) && b.get(j - 1) == Some(&x);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
        previous = Some(x);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (a, b, edits) in [
            ("mode", "mode", 0),
            ("mdoe", "mode", 1),
            ("modes", "mode", 1),
            ("", "mode", 4),
            ("interface", "interfaces", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn finds_the_nearest_or_nothing() {
        let known = ["mode", "interfaces", "ports", "state_dir"];
        assert_eq!(nearest("Interface", &known), Some("interfaces"));
        assert_eq!(nearest("state-dir", &known), Some("state_dir"));
        assert_eq!(nearest("prots", &known), Some("ports"));
        assert_eq!(nearest("colour", &known), None);
    }
}

//! "Did you mean": the known word that a mistyped one is nearest to.

/// The known word that fewest edits lead to, if these are at most a third of its letters.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter().map(|known| (edits(word, known), known));
    known.filter(|(edits, known)| *edits <= (known.len() / 3).max(1)).min().map(|(_, known)| known)
}

/// The edits from one short word to another, where two letters that changed places are one edit.
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let swapped = i > 0 && j > 0 && from[i - 1] == *b && to[j - 1] == *a;
            let swap = if swapped { rows[i - 1][j - 1] + 1 } else { usize::MAX };
            let change = rows[i][j] + usize::from(a != b);
            row.push(change.min(rows[i][j + 1] + 1).min(row[j] + 1).min(swap));
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let words = ["flights", "late", "planes"];
        assert_eq!(nearest("flihgts", words), Some("flights"));
        assert_eq!(nearest("lates", words), Some("late"));
        assert_eq!(nearest("weather", words), None);
        assert_eq!(nearest("b", ["a"]), Some("a"));
        assert_eq!(nearest("xyz", ["a"]), None);
    }
}

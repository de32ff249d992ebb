//! "Did you mean": the known name that a mistyped one is nearest to.

/// The known name that fewest edits lead to, if these are at most a quarter of its letters (and at least one fits).
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A name that is longer or shorter by more needs as many edits.
    let may_fit = |known: &&str| name.len().abs_diff(known.len()) <= known.len() / 4;
    known
        .filter(may_fit)
        .map(|known| (edits(name, known), known))
        .filter(|(edits, known)| *edits <= known.len() / 4)
        .min()
        .map(|(_, known)| known)
}

/// The Levenshtein distance of two short names.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    // row[n]: edits from the letters of `from` seen so far to the first n of `to`
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (n, a) in from.chars().enumerate() {
        let mut diagonal = n;
        let mut left = n + 1;
        let mut next = vec![left];
        for (b, &above) in to.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

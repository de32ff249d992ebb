//! Numbers out of several rounds.

use std::fmt;

use serde::Serialize;

/// Median, least and most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of several values; all zero where there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (values.first(), values.last()) else {
            return Self::default();
        };
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median: f64::midpoint(low, high), min, max }
    }
}

/// As `1.02 (0.98–1.10)`, with the precision that the format asks for.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self { median, min, max } = self;
        let text = format!("{median:.digits$} ({min:.digits$}–{max:.digits$})");
        let width = f.width().unwrap_or(0);
        write!(f, "{text:>width$}")
    }
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes of a benchmark stay far below 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// As `6,735,520`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Spread, grouped};

    #[test]
    fn the_median_of_an_even_number_of_rounds_lies_between_two() {
        assert_eq!(Spread::of([4.0, 1.0, 3.0, 2.0]), Spread { median: 2.5, min: 1.0, max: 4.0 });
        assert_eq!(format!("{:.1}", Spread::of([1.0, 2.0, 4.0])), "2.0 (1.0–4.0)");
    }

    #[test]
    fn digits_are_grouped_from_the_end() {
        assert_eq!([1, 999, 1_000, 1_234_567].map(grouped), ["1", "999", "1,000", "1,234,567"]);
    }
}

//! Ranges of keys: the one way in which rows are asked for and removed by the many.

/// The keys from one on, up to another one that is not among them.
///
/// ```
/// use healer_store::KeyRange;
///
/// let flights = KeyRange::prefix(b"flights/");
/// assert!(flights.contains(b"flights/") && flights.contains(b"flights/\xff"));
/// assert!(!flights.contains(b"flights") && !flights.contains(b"flights0"));
/// assert!(!flights.after(b"flights/7").contains(b"flights/7"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

impl KeyRange {
    /// The keys from `start` on, below `end`; without an end, all keys from there.
    pub fn new(start: impl Into<Vec<u8>>, end: impl Into<Option<Vec<u8>>>) -> Self {
        Self { start: start.into(), end: end.into() }
    }

    /// All keys.
    pub const fn all() -> Self {
        Self { start: Vec::new(), end: None }
    }

    /// The keys that begin with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        // The first key behind them: the last byte that can grow grows, and all behind it go.
        let end = prefix.iter().rposition(|&byte| byte < u8::MAX).map(|at| {
            let mut end = prefix[..=at].to_vec();
            end[at] += 1;
            end
        });
        Self { start: prefix.to_vec(), end }
    }

    /// The first key that may be among them.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The key at which they end, which is not among them; `None` where they end with the table.
    pub fn end(&self) -> Option<&[u8]> {
        self.end.as_deref()
    }

    /// True if no key can be among them.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Whether `key` is among them.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_deref().is_none_or(|end| key < end)
    }

    /// Those of them that come after `key`.
    pub fn after(&self, key: &[u8]) -> Self {
        // No key lies between a key and the same with a zero byte behind it.
        let next = [key, &[0]].concat();
        Self { start: next.max(self.start.clone()), end: self.end.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyRange;

    #[test]
    fn a_prefix_ends_before_the_first_key_that_does_not_begin_with_it() {
        let end = |prefix: &[u8]| KeyRange::prefix(prefix).end().map(<[u8]>::to_vec);
        assert_eq!(end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(end(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!((end(b"\xff\xff"), end(b"")), (None, None));
        assert!(KeyRange::prefix(b"\xff").contains(b"\xff\xff\xff"));
    }

    #[test]
    fn what_comes_after_a_key_begins_with_the_next_one_there_can_be() {
        let range = KeyRange::new(*b"b", b"d".to_vec());
        let after = range.after(b"b");
        assert!(!after.contains(b"b") && after.contains(b"b\0") && !after.contains(b"d"));
        assert_eq!(range.after(b"a").start(), b"b", "it never begins before itself");
        assert!(range.after(b"d").is_empty() && !range.is_empty());
    }
}

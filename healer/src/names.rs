//! Texts as small numbers that cost nothing to copy.

use std::sync::{Arc, PoisonError, RwLock};

/// A list of texts that only grows: for things that a process has few of, such as topics and reasons.
pub(crate) struct Names(RwLock<Vec<Arc<str>>>);

impl Names {
    pub(crate) const fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    /// The number of a text.
    pub(crate) fn number(&self, text: &str) -> u32 {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let at = list.iter().position(|known| &**known == text).unwrap_or_else(|| {
            list.push(Arc::from(text));
            list.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// The text of a number.
    pub(crate) fn text(&self, number: u32) -> Option<Arc<str>> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        list.get(number as usize).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_text_has_one_number_and_a_number_one_text() {
        let names = Names::new();
        let (a, b) = (names.number("a"), names.number("b"));
        assert_ne!(a, b);
        assert_eq!(names.number("a"), a);
        assert_eq!(names.text(b).as_deref(), Some("b"));
        assert_eq!(names.text(7), None);
    }
}

//! Regular expressions over topic names that mean the same to all their readers.
//!
//! Three engines read them: ours, when it asks which topics there are; librdkafka's (POSIX extended) with the classic group
//! protocol; and the broker's (RE2, which matches whole names) with the `consumer` protocol. A topic that one of them
//! takes and another does not would be waited for in vain, so a pattern is made to match whole names, and syntax that only
//! some of them know is refused.

use regex::Regex;

use crate::broker::{BrokerError, BrokerErrorKind};

/// A pattern of a source.
pub(crate) struct Pattern {
    regex: Regex,
    whole: String,
    internal: bool,
}

impl Pattern {
    /// A pattern that starts with `^`; with or without a `$`, it matches whole names.
    pub(crate) fn new(pattern: &str) -> Result<Self, BrokerError> {
        let refused = |why: &str| BrokerError {
            kind: BrokerErrorKind::Configuration,
            text: format!("the topic pattern {pattern:?} cannot be used: {why}"),
        };
        let Some(inner) = pattern.strip_prefix('^') else {
            return Err(refused("it does not start with `^`; write `^` before it"));
        };
        let inner = inner.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(inner);
        if inner.contains("(?") {
            return Err(refused("groups with `(?` are not known to the client; write `(…)`"));
        }
        let mut escaped = false;
        for character in inner.chars() {
            if escaped && character.is_alphanumeric() {
                let help = "is not known to the client; write a class such as `[0-9]`";
                return Err(refused(&format!("`\\{character}` {help}")));
            }
            escaped = character == '\\' && !escaped;
        }
        let whole = format!("^({inner})$");
        let regex = Regex::new(&whole).map_err(|error| refused(&format!("{error}; correct it")))?;
        Ok(Self { regex, whole, internal: inner.trim_start_matches('(').starts_with("__") })
    }

    /// The pattern as the client subscribes to it.
    pub(crate) fn as_str(&self) -> &str {
        &self.whole
    }

    /// Whether it takes a topic. Kafka's own topics it takes only where it asks for them.
    pub(crate) fn is(&self, topic: &str) -> bool {
        (self.internal || !topic.starts_with("__")) && self.regex.is_match(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_matched() {
        for pattern in ["^flights-.*", "^flights-.*$", "^(flights-[a-z]+|x)"] {
            let pattern = Pattern::new(pattern).unwrap();
            assert!(pattern.is("flights-a"), "{}", pattern.as_str());
            assert!(!pattern.is("my-flights-a"));
        }
        let pattern = Pattern::new("^a|b").unwrap();
        assert_eq!(pattern.as_str(), "^(a|b)$");
        assert!(pattern.is("b") && !pattern.is("ab") && !pattern.is("ba"));
        assert!(Pattern::new("^a\\.b").unwrap().is("a.b"));
    }

    #[test]
    fn internal_topics_are_taken_only_when_asked_for() {
        assert!(!Pattern::new("^.*").unwrap().is("__consumer_offsets"));
        assert!(Pattern::new("^__consumer.*").unwrap().is("__consumer_offsets"));
    }

    #[test]
    fn what_not_everybody_understands_is_refused() {
        for pattern in ["flights", "^\\d+", "^a\\w", "^(?i)a", "^("] {
            assert_eq!(
                Pattern::new(pattern).err().unwrap().kind,
                BrokerErrorKind::Configuration,
                "{pattern}"
            );
        }
        assert!(Pattern::new("^\\\\d").is_ok(), "a backslash, then a letter");
    }
}

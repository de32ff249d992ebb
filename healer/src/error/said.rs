//! The words of errors.
//!
//! An error is asked for its words in this one place, each of a chain once, up to 32 of them and up to a length: a
//! user's error may panic, write without an end, or be its own source. `Display` of `RecordError` has the chain, since most
//! programs print an error and no more; its `source` is the error itself, to be downcast.

use std::{
    error::Error as StdError,
    fmt::{self, Write},
    iter::successors,
};

use serde::{Serialize as _, Serializer};

use super::catch;

/// How many errors of a chain are asked.
const DEEPEST: usize = 32;

/// The most bytes of one line.
pub(crate) const LINE: usize = 8 * 1_024;

/// The words of an error and of its sources, each up to so many bytes; a text that is cut ends in `…`.
pub(crate) fn each(error: &(dyn StdError + 'static), most: usize) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    // The words before a panic stay.
    let asked = catch(|| {
        let sources = successors(Some(error), |error| (*error).source());
        for error in sources.take(DEEPEST) {
            let text = beginning(error, most);
            // One that is its own source has no more to say.
            if texts.last() != Some(&text) {
                texts.push(text);
            }
        }
    });
    if asked.is_err() {
        texts.push("an error whose `Display` or `source` panics".to_owned());
    }
    texts
}

/// The same without those whose words an earlier one has already: many errors have those of their sources in their own.
pub(crate) fn once(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for text in each(error, LINE) {
        if !once.iter().any(|earlier| earlier.contains(&text)) {
            once.push(text);
        }
    }
    once
}

/// An error and its sources in one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    beginning(&once(error).join(": "), LINE)
}

/// The beginning of a value's words.
#[cfg(any(test, feature = "opentelemetry"))]
pub(crate) fn shown(value: &dyn fmt::Display, most: usize) -> String {
    catch(|| beginning(value, most)).unwrap_or_else(|_| "an error whose `Display` panics".to_owned())
}

fn beginning<D: fmt::Display + ?Sized>(value: &D, most: usize) -> String {
    let mut shown = Beginning::new(most);
    // An error is that of the bound, or the value's own: the text so far is shown.
    let _ = write!(shown, "{value}");
    shown.text
}

/// Stands for the rest.
const CUT: char = '…';

/// Takes so many bytes and no more, so that a text without an end has one.
struct Beginning {
    text: String,
    most: usize,
}

impl Beginning {
    fn new(most: usize) -> Self {
        Self { text: String::new(), most }
    }
}

impl Write for Beginning {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.most.saturating_sub(self.text.len());
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        if self.most > 0 {
            self.text.push_str(&more[..more.floor_char_boundary(room)]);
            self.text.truncate(self.text.floor_char_boundary(self.most.saturating_sub(CUT.len_utf8())));
            self.text.push(CUT);
            self.most = 0;
        }
        Err(fmt::Error)
    }
}

/// An error with its sources as JSON, in one line.
#[allow(clippy::ref_option, reason = "serde gives a field as it is")]
pub(crate) fn chain_if_any<E: StdError + 'static, S: Serializer>(
    error: &Option<E>,
    to: S,
) -> Result<S::Ok, S::Error> {
    error.as_ref().map(|error| chain(error)).serialize(to)
}

#[cfg(test)]
mod tests {
    use std::{error::Error as StdError, fmt, io};

    use super::{LINE, chain, each, shown};

    /// Says it and has that source.
    #[derive(Debug)]
    struct Said(&'static str, Option<Box<dyn StdError + 'static>>);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Said {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref()
        }
    }

    #[derive(Debug)]
    struct Ouroboros;

    impl fmt::Display for Ouroboros {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("it bites")
        }
    }

    impl StdError for Ouroboros {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(self)
        }
    }

    /// Each of two is the source of the other.
    #[derive(Debug)]
    struct Turn(&'static str);

    impl fmt::Display for Turn {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Turn {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            static TURNS: [Turn; 2] = [Turn("left"), Turn("right")];
            Some(&TURNS[usize::from(self.0 == "left")])
        }
    }

    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("über ")?;
            }
        }
    }

    #[test]
    fn each_error_of_a_chain_is_said_once() {
        let root = Said("no route", None);
        let repeated = Said("connecting failed: no route", Some(Box::new(root)));
        let top = Said("the order was not charged", Some(Box::new(repeated)));
        assert_eq!(chain(&top), "the order was not charged: connecting failed: no route");
        assert_eq!(
            each(&top, LINE),
            ["the order was not charged", "connecting failed: no route", "no route"]
        );
        assert_eq!(chain(&io::Error::other("alone")), "alone");
    }

    #[test]
    fn errors_without_an_end_are_cut_off() {
        assert_eq!(
            (chain(&Ouroboros), each(&Ouroboros, LINE)),
            ("it bites".to_owned(), vec!["it bites".to_owned()])
        );
        assert_eq!((chain(&Turn("left")), each(&Turn("left"), LINE).len()), ("left: right".to_owned(), 32));
        let long = shown(&Endless, 12);
        assert_eq!(long, "über üb…");
        assert!(chain(&Said("x", Some(Box::new(Ouroboros)))).ends_with("x: it bites"));
    }
}

//! Data of records in the logs: only when asked for, cut at a length, and after secrets were taken out.

use std::{
    borrow::Cow,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use tracing::Level;

use crate::error::catch;

/// Takes secrets out of a value. The text names the value: for [`log_data`] it is the path of the stage that gave the value, for a
/// log line the name of its field.
pub type Redact = fn(&str, &mut Value);

/// Under which target the data is logged.
pub(crate) const TARGET: &str = "healer::emit";

/// Logged instead of data that is no JSON for the hook, or that the hook panics at.
const HIDDEN: &str = r#""left out: it could not be redacted""#;

static ON: AtomicBool = AtomicBool::new(false);
static HOW: RwLock<How> = RwLock::new(How { max_bytes: 0, redact: None });

#[derive(Clone, Copy)]
struct How {
    max_bytes: usize,
    redact: Option<Redact>,
}

/// Has the data of records logged, for all pipelines of this process: the outputs of each stage, as JSON, by events of the target
/// `healer::emit` at the level info.
///
/// At most `max_bytes` bytes of each value are shown; 0 ends it. `redact` is asked about each value before it is cut. Data that
/// is no JSON for it, or that it panics at, is left out.
///
/// ```
/// use serde_json::Value;
///
/// fn without_cards(_stage: &str, order: &mut Value) {
///     if let Some(card) = order.get_mut("card") {
///         *card = Value::from("…");
///     }
/// }
///
/// healer::observe::log_data(1_000, Some(without_cards));
/// # healer::observe::log_data(0, None);
/// ```
pub fn log_data(max_bytes: usize, redact: Option<Redact>) {
    *HOW.write().unwrap_or_else(PoisonError::into_inner) = How { max_bytes, redact };
    ON.store(max_bytes > 0, Ordering::Relaxed);
}

/// As [`log_data`] with the hook that is there already.
#[cfg(feature = "logs")]
pub(super) fn switch_on(max_bytes: usize) {
    HOW.write().unwrap_or_else(PoisonError::into_inner).max_bytes = max_bytes;
    ON.store(max_bytes > 0, Ordering::Relaxed);
}

/// Whether anybody asked for the data: only then is [`emitted`] called.
#[inline]
pub(crate) fn logs_data() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Logs a stage's output, which is valid JSON.
#[cold]
pub(crate) fn emitted(stage: &str, json: &[u8]) {
    if !tracing::enabled!(target: TARGET, Level::INFO) {
        return;
    }
    let how = *HOW.read().unwrap_or_else(PoisonError::into_inner);
    // Ended just now.
    if how.max_bytes == 0 {
        return;
    }
    let (data, cut) = how.shown(stage, json);
    tracing::info!(target: TARGET, stage, data = %data, cut = cut.then_some(true));
}

impl How {
    /// The text to show, and whether it was cut.
    fn shown<'j>(self, stage: &str, json: &'j [u8]) -> (Cow<'j, str>, bool) {
        let text = match self.redact {
            Some(redact) => Cow::Owned(redacted(redact, stage, json)),
            None => String::from_utf8_lossy(json),
        };
        let end = text.floor_char_boundary(self.max_bytes);
        let cut = end < text.len();
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        };
        (text, cut)
    }
}

fn redacted(redact: Redact, stage: &str, json: &[u8]) -> String {
    let shown = || {
        let mut value = serde_json::from_slice::<Value>(json).ok()?;
        redact(stage, &mut value);
        Some(value.to_string())
    };
    // A hook that panics must neither end the pipeline nor show data that it was to hide.
    catch(shown).ok().flatten().unwrap_or_else(|| HIDDEN.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{HIDDEN, How, Redact};

    fn hide_card(stage: &str, value: &mut Value) {
        assert_ne!(stage, "shop.broken", "on purpose");
        if let Some(card) = value.get_mut("card") {
            *card = json!(stage);
        }
    }

    fn shown(max_bytes: usize, redact: Option<Redact>, stage: &str, json: &str) -> (String, bool) {
        let (text, cut) = How { max_bytes, redact }.shown(stage, json.as_bytes());
        (text.into_owned(), cut)
    }

    #[test]
    fn data_is_cut_between_characters() {
        let whole = r#"{"tea":"ö"}"#;
        assert_eq!(shown(12, None, "shop.pour", whole), (whole.to_owned(), false));
        assert_eq!(shown(9, None, "shop.pour", whole), (r#"{"tea":""#.to_owned(), true));
        assert_eq!(shown(10, None, "shop.pour", whole), (r#"{"tea":"ö"#.to_owned(), true));
    }

    #[test]
    fn the_hook_sees_the_whole_value_before_it_is_cut() {
        let order = r#"{"card":"4111 1111 1111 1111","n":1}"#;
        let (text, cut) = shown(100, Some(hide_card), "shop.pay", order);
        assert_eq!((text.as_str(), cut), (r#"{"card":"shop.pay","n":1}"#, false));
        assert_eq!(shown(12, Some(hide_card), "shop.pay", order), (r#"{"card":"sho"#.to_owned(), true));
    }

    #[test]
    fn what_the_hook_cannot_look_at_is_left_out() {
        for (stage, json) in [("shop.pay", "4111 1111"), ("shop.broken", r#"{"card":"4111"}"#)] {
            assert_eq!(shown(100, Some(hide_card), stage, json), (HIDDEN.to_owned(), false));
        }
    }
}

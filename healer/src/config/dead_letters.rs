//! The topics of dead letters for single stages; the one for all is the setting `dead_letter_topic`.

use std::{collections::BTreeMap, ffi::OsStr};

use super::{
    Config, ConfigBuilder,
    kinds::{At, Kind as _, Read, Take as _, Word},
    source::{Source, Sourced},
    text,
};

/// As the setting for all stages is called.
const SETTING: &str = "dead_letter_topic";
const VARIABLE: &str = "HEALER_DEAD_LETTER_TOPIC_";
const KIND: Word = Word { default: "", text: &text::TOPIC };

/// By the stage's name, as [`key`] writes it.
pub(super) type Topics<T = Sourced<String>> = BTreeMap<String, T>;

/// A stage's name as a variable can hold it, in small letters.
fn key(stage: &str) -> String {
    let sign = |sign: char| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '_' };
    stage.chars().map(sign).collect()
}

/// The variable that names the topic of a stage alone.
pub(crate) fn dead_letter_variable(stage: &str) -> String {
    format!("{VARIABLE}{}", key(stage).to_ascii_uppercase())
}

impl ConfigBuilder {
    /// The topic for records that failed at nodes of this name; it overrides the topic that the program or
    /// [`dead_letter_topic`](Self::dead_letter_topic) names (`HEALER_DEAD_LETTER_TOPIC_<STAGE>`, such as
    /// `HEALER_DEAD_LETTER_TOPIC_CHARGE`). The name is the node's own, as [`App::describe`](crate::App::describe) shows it, and
    /// not its path; capital and small letters are one, and a character that is neither letter nor digit is `_`. A record that is
    /// to stop the pipeline or to be skipped becomes no dead letter by it.
    pub fn dead_letter_topic_of(mut self, stage: &str, topic: impl Into<String>) -> Self {
        let at = At::code(SETTING);
        let topic = KIND.take(&at, topic);
        self.put_dead_letter_topic(stage, at.source, topic);
        self
    }

    /// Takes a variable that is one of these: `true`.
    pub(super) fn dead_letter_variable(&mut self, name: &str, value: &OsStr) -> bool {
        let Some(stage) = name.strip_prefix(VARIABLE).filter(|stage| !stage.is_empty()) else { return false };
        let at = At { source: Source::Env(name.to_owned()), ..At::code(SETTING) };
        let topic = KIND.read_os(&at, value);
        self.put_dead_letter_topic(stage, at.source, topic);
        true
    }

    fn put_dead_letter_topic(&mut self, stage: &str, source: Source, topic: Read<String>) {
        let topic = topic.map(|value| Sourced { value, source });
        self.dead_letter_topics.insert(key(stage), topic);
    }
}

impl Config {
    /// The topic for records that failed at nodes of this name, if one is set for them alone.
    pub fn dead_letter_topic_of(&self, stage: &str) -> Option<&str> {
        self.dead_letter_topics.get(&key(stage)).map(|topic| &*topic.value)
    }

    /// The stages that a topic is named for and that are none of these.
    pub(crate) fn dead_letter_stages_beside<'s>(&self, stages: impl Iterator<Item = &'s str>) -> Vec<&str> {
        let known: Vec<_> = stages.map(key).collect();
        self.dead_letter_topics.keys().filter(|stage| !known.contains(stage)).map(String::as_str).collect()
    }
}

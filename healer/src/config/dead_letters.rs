//! The topics of dead letters, where the program leaves them to whoever runs it: one for all stages, and one for a stage.

use std::{collections::BTreeMap, ffi::OsString};

use super::{
    Config, ConfigBuilder,
    builder::invalid,
    settings::{DEAD_LETTER_TOPIC, DEAD_LETTER_TOPIC_ALLOWED},
    source::{Given, Source, Sourced},
    variable::Var,
};
use crate::broker::is_topic;

/// By the stage's name, as [`key`] writes it; under no name the topic of all.
pub(super) type Topics<T = Sourced<String>> = BTreeMap<String, T>;

/// A stage's name as a variable can hold it, in small letters.
fn key(stage: &str) -> String {
    let sign = |sign: char| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '_' };
    stage.chars().map(sign).collect()
}

/// The variable that names the topic of a stage alone.
pub(crate) fn dead_letter_variable(stage: &str) -> String {
    format!("{}_{}", DEAD_LETTER_TOPIC.env, key(stage).to_ascii_uppercase())
}

fn topic_of(topic: String, source: Source) -> Given<String> {
    if is_topic(&topic) {
        return Given::new(topic, source);
    }
    let wrong = invalid(&DEAD_LETTER_TOPIC, &topic, &source).problem("it is no topic name");
    Given::wrong(wrong.allowed(DEAD_LETTER_TOPIC_ALLOWED))
}

impl ConfigBuilder {
    /// Where records go that failed at a stage, a source, a sink or in a pipeline that says `dead_letter` and names no topic
    /// (`HEALER_DEAD_LETTER_TOPIC`): `#[stage(on_error = dead_letter)]`,
    /// [`OnError::ConfiguredDeadLetter`](crate::OnError::ConfiguredDeadLetter). Default: none, and then such a pipeline is not built.
    pub fn dead_letter_topic(self, topic: impl Into<String>) -> Self {
        self.dead_letters_of("", topic)
    }

    /// Where records go that failed at nodes of this name, whatever topic the program or [`dead_letter_topic`](Self::dead_letter_topic) names
    /// (`HEALER_DEAD_LETTER_TOPIC_<STAGE>`, such as `HEALER_DEAD_LETTER_TOPIC_CHARGE`). The name is the node's own, as
    /// [`App::describe`](crate::App::describe) shows it, and not its path; capital and small letters are one, and what is neither letter nor digit
    /// is `_`. It makes no dead letters of what is to stop the pipeline or to be skipped.
    pub fn dead_letter_topic_of(self, stage: &str, topic: impl Into<String>) -> Self {
        self.dead_letters_of(stage, topic)
    }

    fn dead_letters_of(mut self, stage: &str, topic: impl Into<String>) -> Self {
        self.dead_letter_topics.insert(key(stage), topic_of(topic.into(), Source::Builder));
        self
    }

    /// Takes a variable that is one of these: `true`.
    pub(super) fn dead_letter_variable(&mut self, name: &str, value: &OsString) -> bool {
        let Some(rest) = name.strip_prefix(DEAD_LETTER_TOPIC.env) else { return false };
        let stage = match rest.strip_prefix('_') {
            None if rest.is_empty() => "",
            Some(stage) if !stage.is_empty() => stage,
            _ => return false,
        };
        let var = Var { value: value.clone(), source: Source::Env(name.to_owned()) };
        let topic = var.text(&DEAD_LETTER_TOPIC, DEAD_LETTER_TOPIC_ALLOWED);
        self.dead_letter_topics.insert(key(stage), var.then(topic, topic_of));
        true
    }
}

impl Config {
    /// Where records go that failed where `dead_letter` names no topic; `None`, the default: nobody says.
    pub fn dead_letter_topic(&self) -> Option<&str> {
        self.dead_letter_topics.get("").map(|topic| &*topic.value)
    }

    /// Where records go that failed at nodes of this name, if that is said of them.
    pub fn dead_letter_topic_of(&self, stage: &str) -> Option<&str> {
        if stage.is_empty() {
            return None;
        }
        self.dead_letter_topics.get(&key(stage)).map(|topic| &*topic.value)
    }

    /// The stages that a topic is named for and that are none of these.
    pub(crate) fn dead_letter_stages_beside<'s>(&self, stages: impl Iterator<Item = &'s str>) -> Vec<&str> {
        let known: Vec<_> = stages.map(key).collect();
        let named = self.dead_letter_topics.keys().filter(|stage| !stage.is_empty());
        named.filter(|stage| !known.contains(stage)).map(String::as_str).collect()
    }
}

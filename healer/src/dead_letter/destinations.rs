//! The topics that letters may go back to. The headers of a letter alone decide nothing: every writer of the dead-letter topic can
//! put any text into them.

use std::{collections::BTreeSet, sync::Arc};

use super::DeadLetter;
use crate::{
    app::{App, settle},
    broker::{Pattern, Topics},
    config::Config,
    topology::{Called, Graph, Nodes, OnError},
};

/// A stage whose records go to the dead-letter topic when they fail, and where they are read.
struct Buries {
    called: Called,
    reads: Vec<Reads>,
}

enum Reads {
    Named(Vec<Arc<str>>),
    Pattern(Pattern),
}

impl Reads {
    fn new(topics: Topics) -> Option<Self> {
        match topics {
            Topics::Named(names) => Some(Self::Named(names)),
            // A pattern that is none is a fault of its pipeline.
            Topics::Pattern(pattern) => Pattern::new(&pattern).ok().map(Self::Pattern),
        }
    }

    fn has(&self, topic: &str) -> bool {
        match self {
            Self::Named(names) => names.iter().any(|name| **name == *topic),
            Self::Pattern(pattern) => pattern.is(topic),
        }
    }
}

/// Where letters may go.
#[derive(Default)]
pub(super) struct Destinations {
    listed: BTreeSet<Arc<str>>,
    apps: Vec<(Graph, OnError)>,
    /// Of these, once it is settled where their letters go.
    stages: Vec<Buries>,
}

impl Destinations {
    pub(super) fn list(&mut self, topic: Arc<str>) {
        self.listed.insert(topic);
    }

    pub(super) fn add(&mut self, app: &App) {
        self.apps.push((app.graph().clone(), app.policy().clone()));
    }

    /// Finds the stages whose letters are in this topic. Of some the configuration knows it, as for the pipeline.
    pub(super) fn settle(&mut self, config: &Config, dead_letter_topic: &str) {
        for (graph, on_error) in &mut self.apps {
            // Those that nothing is said of have no letters: their pipeline is not built.
            settle(graph, on_error, config);
            let buried = Nodes::bury_in(graph, on_error, dead_letter_topic).into_iter();
            self.stages.extend(buried.map(|(called, topics)| Buries {
                called,
                reads: topics.into_iter().filter_map(Reads::new).collect(),
            }));
        }
    }

    /// Whether nobody has said any.
    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.apps.is_empty()
    }

    /// Why a letter may not go to its topic.
    pub(super) fn refuse(&self, letter: &DeadLetter<'_>) -> Result<(), &'static str> {
        let Some(topic) = letter.topic() else { return Err("they say no topic that they came from") };
        // Letters of before have the path alone, as their stage.
        let named = |called: &Called| [&*called.stage, &*called.path].map(Some).contains(&letter.stage());
        let is_of = |stage: &Buries| named(&stage.called) && stage.reads.iter().any(|reads| reads.has(topic));
        if self.listed.contains(topic) || self.stages.iter().any(is_of) {
            Ok(())
        } else if self.apps.is_empty() {
            Err("the topic is not listed: if records may go there, name it with `to` (`--to`)")
        } else {
            Err(
                "no stage of the pipeline has such letters: the one that they name does not send letters to this dead-letter \
                 topic, or does not get records of that topic; if they may go there, name the topic with `to`",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Destinations;
    use crate::{
        dead_letter::{DeadLetter, STAGE, TOPIC},
        prelude::*,
        record::Headers,
    };

    fn may_go(to: &Destinations, topic: Option<&str>, stage: Option<&str>) -> bool {
        let mut headers = Headers::new();
        for (name, value) in [(TOPIC, topic), (STAGE, stage)] {
            if value.is_some() {
                headers.push(name, value);
            }
        }
        to.refuse(&DeadLetter { key: None, value: None, headers: &headers }).is_ok()
    }

    fn settled(app: &App, dead_letter_topic: &str) -> Destinations {
        let mut to = Destinations::default();
        to.add(app);
        let config = Config::builder().brokers("localhost:9092").dead_letter_topic("configured.dead");
        let config = config.dead_letter_topic_of("bills", "bills.dead").build().unwrap();
        to.settle(&config, dead_letter_topic);
        to
    }

    #[test]
    fn where_the_configuration_names_the_topic_letters_of_that_topic_go_back() {
        let orders = kafka::text("orders").on_error(OnError::ConfiguredDeadLetter).stream("orders");
        let bills = kafka::text("bills").on_error(OnError::dead_letter("dead")).stream("bills");
        let app = App::new("p").chain(orders.heal()).chain(bills.heal());
        let (configured, of_bills) = (settled(&app, "configured.dead"), settled(&app, "bills.dead"));
        assert!(may_go(&configured, Some("orders"), Some("orders")));
        assert!(!may_go(&configured, Some("bills"), Some("bills")));
        assert!(may_go(&of_bills, Some("bills"), Some("bills")));
        assert!(!may_go(&settled(&app, "dead"), Some("bills"), Some("bills")), "they go to another topic");
    }

    #[test]
    fn a_letter_goes_where_the_stage_that_it_names_reads() {
        let (port, both) = union("both");
        let other = kafka::text("other").on_error(OnError::Skip).stream("other");
        let app = App::new("p")
            .chain(kafka::text("orders").stream("orders").to(&port))
            .chain(kafka::text("^bills-.*").stream("bills").to(&port))
            .chain(both.map(|line: String| line).heal())
            .chain(other.heal())
            .on_error(OnError::dead_letter("dead"));
        let to = &mut settled(&app, "dead");
        for (topic, stage, may) in [
            ("orders", "orders", true),
            ("orders", "both.map", true),
            ("orders", "map", true),
            ("bills-7", "map", true),
            ("bills", "map", false),
            ("bills-7", "both.map", true),
            ("bills-7", "orders", false),
            ("bills", "both.map", false),
            ("orders", "bills", false),
            ("other", "other", false),
            ("payments", "orders", false),
        ] {
            assert_eq!(may_go(to, Some(topic), Some(stage)), may, "{topic} {stage}");
        }
        assert!(!may_go(to, Some("orders"), None) && !may_go(to, None, Some("orders")));
        to.list("orders".into());
        assert!(may_go(to, Some("orders"), None) && !may_go(to, Some("payments"), Some("orders")));
    }

    #[test]
    fn the_policy_of_the_pipeline_counts_where_a_stage_has_none() {
        let stream = kafka::text("orders").on_error(OnError::Skip).stream("orders");
        let app = App::new("p")
            .chain(stream.map(|line: String| line).heal())
            .on_error(OnError::dead_letter("dead"));
        let (here, elsewhere) = (settled(&app, "dead"), settled(&app, "other.dead"));
        assert!(may_go(&here, Some("orders"), Some("orders.map")));
        assert!(!may_go(&here, Some("orders"), Some("orders")), "it skips what it cannot decode");
        assert!(!may_go(&elsewhere, Some("orders"), Some("orders.map")));
        assert!(!elsewhere.is_empty() && Destinations::default().is_empty());
    }
}

//! What is compared with what: how the sides are set up, and the bars.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Client properties by name.
pub(crate) type Properties = BTreeMap<String, String>;

/// How the sides are set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    /// The same client properties and commit interval on all sides.
    Tuned,
    /// Each side with its own defaults.
    OutOfTheBox,
}

/// What healer must reach beside the raw loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bars {
    /// The least part of the raw loop's records a second.
    pub(crate) ratio: f64,
    /// The most memory beside the raw loop's, in MiB.
    pub(crate) extra_memory: Option<f64>,
}

/// What a fetcher of every tuned side may keep: enough that it never runs dry, and small beside what is measured.
const QUEUE_KBYTES: &str = "16384";

impl Comparison {
    /// What every side is told, beside its own defaults.
    pub(crate) fn properties(self, asked: &[(String, String)]) -> Properties {
        let usual = [("fetch.queue.backoff.ms", "10"), ("queued.max.messages.kbytes", QUEUE_KBYTES)];
        match self {
            Self::Tuned => {
                let usual = usual.map(|(key, value)| (key.to_owned(), value.to_owned()));
                usual.into_iter().chain(asked.iter().cloned()).collect()
            }
            Self::OutOfTheBox => Properties::new(),
        }
    }

    /// The heading of its table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Tuned => "tuned alike",
            Self::OutOfTheBox => "out of the box",
        }
    }

    /// What healer must reach.
    pub(crate) fn bars(self) -> Bars {
        match self {
            Self::Tuned => Bars { ratio: 0.80, extra_memory: Some(64.0) },
            // More memory is what buys the speed here: healer never lets the fetcher rest.
            Self::OutOfTheBox => Bars { ratio: 3.0, extra_memory: None },
        }
    }
}

//! Names that were not given lately.

use std::{collections::VecDeque, sync::Mutex};

use super::lock;

/// How many names are remembered: more than can be equal, as equal ones are of the same millisecond.
const REMEMBERED: usize = 1_024;

/// The names that were asked for last.
#[derive(Default)]
pub(super) struct Distinct(Mutex<VecDeque<String>>);

impl Distinct {
    /// The name itself the first time, and after that with a number before its `.json`.
    pub(super) fn name(&self, name: String) -> String {
        let mut asked = lock(&self.0);
        let before = asked.iter().filter(|known| **known == name).count();
        let given = match (before, name.strip_suffix(".json")) {
            (0, _) => name.clone(),
            (_, Some(stem)) => format!("{stem}.{}.json", before + 1),
            (_, None) => format!("{name}.{}", before + 1),
        };
        if asked.len() == REMEMBERED {
            asked.pop_front();
        }
        asked.push_back(name);
        given
    }
}

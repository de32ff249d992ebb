//! The registry of planes: stands for the remote service that a real program would ask.

use std::{collections::HashMap, time::Duration};

use super::{data, model::Plane};

/// The registry of planes did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registry of planes did not answer")]
pub struct NoAnswer;

/// Planes by tail number.
pub struct Planes {
    by_tailnum: HashMap<String, Plane>,
    answers_after: Duration,
}

impl Planes {
    /// The planes that flew from New York City; each look-up takes `answers_after`.
    ///
    /// # Errors
    /// None, as long as the file that was compiled in is whole.
    pub fn load(answers_after: Duration) -> anyhow::Result<Self> {
        let planes: Vec<Plane> = data::planes()?;
        let by_tailnum = planes.into_iter().map(|plane| (plane.tailnum.clone(), plane)).collect();
        Ok(Self { by_tailnum, answers_after })
    }

    /// As [`find`](Self::find), from a registry that is not always there: of seven flights one gets its answer at the second
    /// attempt, and one at the third.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn ask(&self, tailnum: Option<&str>, flight: i64, attempt: u32) -> Result<Plane, NoAnswer> {
        let plane = self.find(tailnum).await;
        let unanswered = match flight % 7 {
            3 => 1,
            5 => 2,
            _ => 0,
        };
        if attempt > unanswered { Ok(plane) } else { Err(NoAnswer) }
    }

    /// The plane with this tail number; one without any known column where there is none.
    pub async fn find(&self, tailnum: Option<&str>) -> Plane {
        // Even the shortest sleep takes a millisecond.
        if !self.answers_after.is_zero() {
            tokio::time::sleep(self.answers_after).await;
        }
        tailnum.and_then(|tailnum| self.by_tailnum.get(tailnum)).cloned().unwrap_or_default()
    }
}

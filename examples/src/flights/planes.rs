//! The registry of planes: stands for the remote service that a real program would ask.

use std::{collections::HashMap, time::Duration};

use super::{data, model::Plane};

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

    /// The plane with this tail number; one without any known column where there is none.
    pub async fn find(&self, tailnum: Option<&str>) -> Plane {
        // Even the shortest sleep takes a millisecond.
        if !self.answers_after.is_zero() {
            tokio::time::sleep(self.answers_after).await;
        }
        tailnum.and_then(|tailnum| self.by_tailnum.get(tailnum)).cloned().unwrap_or_default()
    }
}

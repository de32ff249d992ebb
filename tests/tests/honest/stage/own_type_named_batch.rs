//! A type of the user's own may be called `Batch`: healer's is told apart by its rows.

use healer::prelude::kafka;
use healer::{pipeline, stage};

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Batch {
    lot: u32,
}

mod plant {
    #[derive(Clone, Debug)]
    pub struct BatchMut(pub u32);
}

#[stage]
fn weigh(batch: Batch) -> Batch {
    batch
}

#[stage]
fn look(batch: &Batch, #[state] known: &Batch) -> Result<plant::BatchMut, String> {
    Ok(plant::BatchMut(batch.lot + known.lot))
}

#[stage]
fn end(batch: plant::BatchMut) -> u32 {
    batch.0
}

pub fn main() {
    let app = pipeline! { name "plant"; kafka::json::<Batch>("batches") => weigh => look => end => heal; };
    assert!(app.with(Batch { lot: 1 }).describe().to_string().contains("weigh"));
}

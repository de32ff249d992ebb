//! A stage of batches where single values flow, or other rows.

use healer::prelude::*;

#[stage(batch)]
fn saved(rows: &Rows<String>) {}

#[stage(batch)]
async fn passed(rows: Batch<'_, String>) -> Batch<'_, String> {
    rows
}

fn main() {
    let _ = pipeline! {
        name "lines";
        kafka::string("lines") => saved => heal;
        kafka::string("more") => passed => heal;
        kafka::string("lengths") => map(|line| line.len()) => partition(3) => saved => heal;
    };
}

use healer::prelude::*;

#[stage(batch)]
fn save(rows: Batch<'_, String>) -> Option<Batch<'_, String>> {
    (rows.len() > 1).then_some(rows)
}

fn main() {}

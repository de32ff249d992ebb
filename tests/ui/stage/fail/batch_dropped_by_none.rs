use healer::prelude::*;

#[stage(batch)]
fn save(rows: BatchMut<'_, String>) -> Option<BatchMut<'_, String>> {
    (rows.len() > 1).then_some(rows)
}

fn main() {}

use healer::prelude::*;

#[stage(batch)]
async fn score(rows: Batch<String>) -> Batch<usize> {
    rows.map(|row| row.len())
}

fn main() {}

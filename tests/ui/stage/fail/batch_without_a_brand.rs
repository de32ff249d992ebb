use healer::prelude::*;

#[stage(batch)]
async fn score(rows: BatchMut<String>) -> BatchMut<usize> {
    rows.map(|row| row.len())
}

fn main() {}

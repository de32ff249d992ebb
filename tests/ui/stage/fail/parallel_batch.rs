use healer::prelude::*;

#[stage(batch, parallel = 4)]
async fn save(rows: &Batch<String>) {
    drop(rows);
}

fn main() {}

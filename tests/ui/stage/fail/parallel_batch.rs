use healer::prelude::*;

#[stage(batch, parallel = 4)]
async fn save(rows: &Rows<String>) {
    drop(rows);
}

fn main() {}

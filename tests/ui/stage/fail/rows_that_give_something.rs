use healer::prelude::*;

#[stage(batch)]
fn count(rows: &Batch<String>) -> Result<usize, String> {
    Ok(rows.len())
}

fn main() {}

use healer::prelude::*;

#[stage(batch)]
fn save(rows: Batch<String>) -> Result<(), String> {
    drop(rows);
    Ok(())
}

fn main() {}

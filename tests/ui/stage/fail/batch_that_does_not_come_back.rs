use healer::prelude::*;

#[stage(batch)]
fn save(rows: Batch<'_, String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {}

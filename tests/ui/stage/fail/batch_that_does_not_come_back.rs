use healer::prelude::*;

#[stage(batch)]
fn save(rows: BatchMut<'_, String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {}

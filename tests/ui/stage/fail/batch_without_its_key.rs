use healer::prelude::*;

#[stage]
fn save(rows: &Batch<String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {}

use healer::prelude::*;

#[stage(batch)]
#[checkpoint]
fn save(rows: &Batch<String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {}

use healer::prelude::*;

#[stage(batch)]
fn save(row: String) -> Result<(), String> {
    let _ = row;
    Ok(())
}

fn main() {}

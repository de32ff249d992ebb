use healer::prelude::*;

#[stage(batch)]
fn save(rows: Rows<String>) -> Result<(), String> {
    drop(rows);
    Ok(())
}

fn main() {}

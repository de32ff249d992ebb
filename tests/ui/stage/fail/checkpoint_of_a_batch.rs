use healer::prelude::*;

#[stage(batch)]
#[checkpoint]
fn save(rows: &Rows<String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {}

use healer::prelude::*;

#[stage]
fn save(rows: &Rows<String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {}

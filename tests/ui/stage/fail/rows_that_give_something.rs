use healer::prelude::*;

#[stage(batch)]
fn count(rows: &Rows<String>) -> Result<usize, String> {
    Ok(rows.len())
}

fn main() {}

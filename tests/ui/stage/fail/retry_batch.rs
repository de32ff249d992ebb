use healer::prelude::*;

#[stage(batch, retry(3))]
async fn save(rows: &Rows<String>) -> Result<(), String> {
    drop(rows);
    Ok(())
}

fn main() {}

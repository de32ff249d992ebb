use healer::prelude::*;

struct Model;

#[stage(batch)]
async fn score(rows: Batch<'_, String>, #[state] model: &Model) -> Result<Batch<'_, usize>, String> {
    let _ = model;
    Ok(rows.map(|row| row.len()))
}

fn main() {}

use healer::prelude::*;

struct Model;

#[stage(batch)]
async fn score(rows: BatchMut<'_, String>, #[state] model: &Model) -> Result<BatchMut<'_, usize>, String> {
    let _ = model;
    Ok(rows.map(|row| row.len()))
}

fn main() {}

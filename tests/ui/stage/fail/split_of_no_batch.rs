use healer::prelude::*;

#[stage(split, retry(3))]
async fn single(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(batch, on_error = dead_letter("dead"))]
fn all_at_once(rows: &Batch<String>) -> Result<(), String> {
    Err(format!("{} rows", rows.len()))
}

#[stage(batch, parallel = 4)]
fn beside_each_other(rows: &Batch<String>) -> Result<(), String> {
    Err(format!("{} rows", rows.len()))
}

struct Unique;

#[stage(batch, split)]
async fn no_copies<'b>(rows: BatchMut<'b, Unique>) -> Result<BatchMut<'b, Unique>, String> {
    Ok(rows)
}

fn main() {}

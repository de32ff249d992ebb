//! Batches by aliases: the type counts, not its name.

use healer::prelude::*;

type Orders = Batch<String>;
type Read<T> = Batch<T>;
type Work<'b> = BatchMut<'b, String>;
type Rewritten<'b, T> = BatchMut<'b, T>;

#[stage(batch)]
fn count(rows: &Orders) -> Result<(), String> {
    if rows.len() > 3 { Err("too many".to_owned()) } else { Ok(()) }
}

#[stage(batch, retry(3), split)]
async fn save(rows: &Read<String>) -> Result<(), String> {
    rows.iter().try_for_each(|(_, row)| if row.is_empty() { Err("empty".to_owned()) } else { Ok(()) })
}

#[stage(batch)]
async fn pass(rows: Work<'_>) -> Result<Work<'_>, String> {
    Ok(rows)
}

#[stage(batch)]
fn length<'b>(rows: Rewritten<'b, String>) -> Rewritten<'b, usize> {
    rows.map(|row| row.len())
}

#[stage(batch)]
fn text(rows: BatchMut<'_, usize>) -> Work<'_> {
    rows.map(|length| length.to_string())
}

pub fn main() {
    let app = pipeline! {
        name "orders";
        kafka::text("orders") => batch(3) => count => pass => length => text => save => heal;
    };
    let _ = app.describe();
}

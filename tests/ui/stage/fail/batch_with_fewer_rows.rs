use healer::prelude::*;

#[stage(batch)]
fn first<'b>(rows: Batch<'b, String>) -> Batch<'b, String> {
    let first: Vec<String> = rows.iter().take(1).map(|(_, row)| row.clone()).collect();
    Batch::from(first)
}

fn main() {}

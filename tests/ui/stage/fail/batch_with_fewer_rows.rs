use healer::prelude::*;

#[stage(batch)]
fn first<'b>(rows: BatchMut<'b, String>) -> BatchMut<'b, String> {
    let first: Vec<String> = rows.iter().take(1).map(|(_, row)| row.clone()).collect();
    BatchMut::from(first)
}

fn main() {}

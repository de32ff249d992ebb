use healer::prelude::*;

#[stage(batch)]
fn score(rows: Batch<'static, String>) -> Batch<'static, String> {
    rows
}

fn main() {}

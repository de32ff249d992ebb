use healer::prelude::*;

#[stage(batch)]
fn score(rows: BatchMut<'static, String>) -> BatchMut<'static, String> {
    rows
}

fn main() {}

use healer::prelude::*;

#[stage(batch)]
fn take<'b>(mut rows: Batch<'b, String>) -> Batch<'b, String> {
    drop(std::mem::take(&mut rows));
    rows
}

fn main() {}

use healer::prelude::*;

#[stage(batch)]
fn take<'b>(mut rows: BatchMut<'b, String>) -> BatchMut<'b, String> {
    drop(std::mem::take(&mut rows));
    rows
}

fn main() {}

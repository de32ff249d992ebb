use healer::prelude::*;

#[stage(batch)]
fn open<'b>(rows: BatchMut<'b, String>) -> BatchMut<'b, String> {
    for row in rows {
        drop(row);
    }
    unreachable!()
}

fn main() {}

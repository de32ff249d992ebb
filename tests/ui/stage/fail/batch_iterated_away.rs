use healer::prelude::*;

#[stage(batch)]
fn open<'b>(rows: Batch<'b, String>) -> Batch<'b, String> {
    for row in rows {
        drop(row);
    }
    unreachable!()
}

fn main() {}

use healer::prelude::*;

#[stage(batch)]
fn twice<'b>(rows: BatchMut<'b, String>) -> BatchMut<'b, String> {
    let copy: BatchMut<'b, String> = rows.clone();
    drop(rows);
    copy
}

fn main() {}

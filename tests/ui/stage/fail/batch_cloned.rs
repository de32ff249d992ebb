use healer::prelude::*;

#[stage(batch)]
fn twice<'b>(rows: Batch<'b, String>) -> Batch<'b, String> {
    let copy: Batch<'b, String> = rows.clone();
    drop(rows);
    copy
}

fn main() {}

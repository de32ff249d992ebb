use healer::prelude::*;

#[stage(batch)]
fn open<'b>(rows: Batch<'b, String>) -> Result<Batch<'b, String>, String> {
    let Batch { rows: list, .. } = rows;
    drop(list);
    Err("taken apart".to_owned())
}

fn main() {}

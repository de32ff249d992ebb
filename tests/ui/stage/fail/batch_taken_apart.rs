use healer::prelude::*;

#[stage(batch)]
fn open<'b>(rows: BatchMut<'b, String>) -> Result<BatchMut<'b, String>, String> {
    let BatchMut { rows: list, .. } = rows;
    drop(list);
    Err("taken apart".to_owned())
}

fn main() {}

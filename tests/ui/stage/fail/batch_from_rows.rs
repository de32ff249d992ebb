use healer::prelude::*;

#[stage(batch)]
fn pass<'b>(rows: &'b Batch<String>) -> BatchMut<'b, String> {
    todo!("{}", rows.len())
}

fn main() {}

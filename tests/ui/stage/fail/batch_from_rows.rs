use healer::prelude::*;

#[stage(batch)]
fn pass<'b>(rows: &'b Rows<String>) -> Batch<'b, String> {
    todo!("{}", rows.len())
}

fn main() {}

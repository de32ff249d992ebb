use healer::prelude::*;

#[stage(batch)]
fn late<'b>(rows: Batch<'b, u32>) -> Batch<'b, u32> {
    rows.filter(|delay: &u32| *delay >= 60)
}

fn main() {}

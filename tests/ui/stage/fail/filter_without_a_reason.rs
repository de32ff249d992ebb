use healer::prelude::*;

#[stage(batch)]
fn late<'b>(rows: BatchMut<'b, u32>) -> BatchMut<'b, u32> {
    rows.filter(|delay: &u32| *delay >= 60)
}

fn main() {}

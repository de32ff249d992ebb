use healer::prelude::*;

#[stage(batch)]
fn late<'b>(rows: BatchMut<'b, u32>) -> BatchMut<'b, u32> {
    rows.route(|delay| *delay >= 60, |late| late, |rest| drop(rest))
}

fn main() {}

use healer::prelude::*;

type Late = Option<i32>;

#[stage]
fn late_only(delay: i32) -> Result<Late, String> {
    Ok((delay >= 60).then_some(delay))
}

fn main() {}

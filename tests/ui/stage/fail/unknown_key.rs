use healer::prelude::*;

#[stage(reason = "on time")]
fn late_only(delay: i32) -> Option<i32> {
    (delay >= 60).then_some(delay)
}

fn main() {}

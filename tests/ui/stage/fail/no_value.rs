use healer::prelude::*;

#[stage]
fn tick(ctx: &Context) -> i64 {
    ctx.offset()
}

fn main() {}

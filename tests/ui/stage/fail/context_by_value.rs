use healer::prelude::*;

#[stage]
fn tag(flight: String, ctx: Context) -> String {
    format!("{} {flight}", ctx.offset())
}

fn main() {}

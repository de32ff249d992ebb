use healer::prelude::*;

#[stage]
fn tag(line: String, ctx: &Context) -> String {
    format!("{}@{} {line}", ctx.topic(), ctx.offset())
}

#[stage]
async fn tag_again(ctx: &healer::Context, line: &str) -> String {
    format!("{} {line}", ctx.partition())
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(tag::stage()).then(tag_again::stage()).heal());
}

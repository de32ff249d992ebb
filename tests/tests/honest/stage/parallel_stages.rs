//! Several calls at once: of async functions and of those that block.

use healer::prelude::*;

const MOST: usize = 8;

#[stage(parallel = MOST)]
async fn by_key(line: String) -> String {
    line
}

#[stage(parallel = 2 * MOST, order = key, keyless = none)]
#[checkpoint]
async fn by_key_if_any(line: String, ctx: &Context) -> Result<Option<String>, String> {
    Ok((ctx.offset() > 0).then_some(line))
}

#[stage(parallel = 16, order = partition, skip = "odd")]
async fn in_order<T: Send + 'static>(value: T) -> Option<T> {
    Some(value)
}

#[stage(parallel = 4, order = none)]
fn with_threads(line: String, #[state] suffix: &String) -> String {
    line + suffix
}

#[stage(blocking)]
fn with_a_thread(line: &str) -> usize {
    line.len()
}

pub fn main() {
    let app = pipeline! {
        name "parallel";
        kafka::string("t") => by_key => by_key_if_any => in_order::<String> => with_threads => with_a_thread => heal;
    };
    drop(app.with(String::new()));
}

use healer::prelude::*;

#[healer::stage]
#[healer::checkpoint]
async fn length(line: &str) -> usize {
    line.len()
}

/// Docs between the two.
#[stage(flat)]
#[allow(clippy::unnecessary_wraps)]
#[checkpoint]
fn digits<T: ToString>(length: T) -> Vec<String> {
    length.to_string().chars().map(String::from).collect()
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(length::stage()).then(digits::stage()).heal());
}

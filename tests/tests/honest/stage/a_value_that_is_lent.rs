use healer::prelude::*;

#[stage]
fn length(line: &String) -> usize {
    line.len()
}

#[stage]
fn half<'a>(length: &'a usize) -> usize {
    length / 2
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(length::stage()).then(half::stage()).heal());
}

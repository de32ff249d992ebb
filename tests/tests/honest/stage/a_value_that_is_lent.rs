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
    let lines = kafka::string("lines").stream("lines");
    let _app = App::new("lines").add(lines.then(length::stage()).then(half::stage()).heal());
}

use healer::prelude::*;

#[stage]
fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[stage]
fn first(words: &[String]) -> Option<String> {
    words.first().cloned()
}

pub fn main() {
    assert_eq!(words("a b").len(), 2);
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(words::stage()).then(first::stage()).heal());
}

use healer::prelude::*;

#[stage]
fn long(line: String) -> Option<String> {
    (line.len() > 10).then_some(line)
}

#[stage(skip = "on time")]
fn late(line: String) -> std::option::Option<String> {
    line.contains("late").then_some(line)
}

#[stage(skip = "not a number")]
fn number(line: String) -> Result<Option<u32>, std::num::ParseIntError> {
    if line.starts_with(|c: char| c.is_ascii_digit()) { line.parse().map(Some) } else { Ok(None) }
}

#[stage]
fn small(number: u32) -> anyhow::Result<Option<u32>> {
    Ok((number < 10).then_some(number))
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let healed = lines.then(long::stage()).then(late::stage()).then(number::stage()).then(small::stage()).heal();
    let _app = App::new("lines").chain(healed);
}

use std::num::ParseIntError;

use healer::prelude::*;

#[derive(Debug, thiserror::Error)]
#[error("negative")]
struct Negative;

mod errors {
    pub type Result<T> = std::result::Result<T, super::Negative>;
}

#[stage]
fn parse(line: &str) -> Result<i64, ParseIntError> {
    line.parse()
}

#[stage]
fn positive(number: i64) -> errors::Result<i64> {
    if number < 0 { Err(Negative) } else { Ok(number) }
}

#[stage]
fn small(number: i64) -> anyhow::Result<i64> {
    anyhow::ensure!(number < 1_000, "{number} is large");
    Ok(number)
}

#[stage]
fn even(number: i64) -> Result<i64, String> {
    if number % 2 == 0 { Ok(number) } else { Err(format!("{number} is odd")) }
}

#[stage]
fn round(number: i64) -> core::result::Result<i64, &'static str> {
    if number % 10 == 0 { Ok(number) } else { Err("not round") }
}

#[stage]
fn boxed(number: i64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if number == 0 { Err("zero".into()) } else { Ok(()) }
}

#[stage]
fn io((): ()) -> std::io::Result<()> {
    Ok(())
}

pub fn main() {
    assert!(parse("7").is_ok());
    let lines = kafka::text("lines").stream("lines");
    let numbers = lines.then(parse::stage()).then(positive::stage()).then(small::stage()).then(even::stage());
    let healed = numbers.then(round::stage()).then(boxed::stage()).then(io::stage()).heal();
    let _app = App::new("numbers").chain(healed);
}

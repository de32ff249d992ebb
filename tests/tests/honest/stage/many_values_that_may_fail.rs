use std::num::ParseIntError;

use healer::prelude::*;

#[stage(flat, skip = "empty line")]
fn numbers(line: &str) -> Vec<Result<u32, ParseIntError>> {
    line.split(',').map(str::parse).collect()
}

#[stage(flat)]
fn lazily(n: u32) -> impl Iterator<Item = anyhow::Result<u32>> {
    (0..n).map(|n| if n > 1_000 { anyhow::bail!("{n} is large") } else { Ok(n) })
}

#[stage(flat)]
fn outer(n: u32) -> Result<Vec<u32>, String> {
    if n == 0 { Err("zero".to_owned()) } else { Ok(vec![n]) }
}

#[stage(flat)]
fn outer_and_none(n: u32) -> anyhow::Result<Option<Vec<u32>>> {
    Ok((n > 1).then(|| vec![n]))
}

#[stage(flat)]
fn all(n: u32) -> Result<Option<Vec<Result<u32, String>>>, String> {
    Ok(Some(vec![Ok(n)]))
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let numbers = lines.then(numbers::stage()).then(lazily::stage()).then(outer::stage());
    let _app = App::new("many").chain(numbers.then(outer_and_none::stage()).then(all::stage()).heal());
}

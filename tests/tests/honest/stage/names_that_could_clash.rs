#![allow(non_upper_case_globals, dead_code)]

use healer::prelude::*;

// Names that the macro uses itself have another meaning here.
const input: u8 = 0;
const result: u8 = 0;
const value: u8 = 0;
struct Option;
struct Vec;
enum Verdict {}
trait Send {}
mod core {}
mod std {}

#[stage]
fn need(context: String) -> Result<String, String> {
    Ok(context)
}

#[stage(flat)]
fn outlet(item: &str) -> Result<[String; 1], String> {
    Ok([item.to_owned()])
}

#[stage]
async fn call(line: String) -> String {
    line
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(need::stage()).then(outlet::stage()).then(call::stage()).heal());
}

#![deny(warnings)]

use healer::prelude::*;

#[derive(serde::Deserialize)]
struct Flight {
    number: String,
    legs: Vec<u32>,
}

#[inline]
#[must_use]
#[stage]
#[allow(clippy::needless_pass_by_value)]
fn number(Flight { number, legs: _ }: Flight) -> String {
    number
}

#[stage]
fn both(mut number: String, _: &Context) -> (String, usize) {
    number.push('!');
    (number.clone(), number.len())
}

#[deprecated(note = "for a test")]
#[stage]
fn first((number, _): (String, usize)) -> String {
    number
}

pub fn main() {
    let _ = number(Flight { number: String::new(), legs: Vec::new() });
    let flights = kafka::json::<Flight>("flights").stream("flights");
    let _app = App::new("flights").chain(flights.then(number::stage()).then(both::stage()).heal());
    assert!(Flight { number: String::new(), legs: vec![1] }.legs.len() == 1);
}

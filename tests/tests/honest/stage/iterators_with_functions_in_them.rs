//! Flat stages whose iterators hold closures and function pointers, and values that do.

use std::{
    iter::{Copied, Filter, Map, Rev},
    slice::Iter,
    vec::IntoIter,
};

use healer::prelude::*;

fn is_even(number: &u64) -> bool {
    number % 2 == 0
}

type Even = Filter<IntoIter<u64>, fn(&u64) -> bool>;

#[stage]
fn numbers(text: String) -> Vec<u64> {
    text.bytes().map(u64::from).collect()
}

#[stage(flat)]
fn even(numbers: Vec<u64>) -> Filter<IntoIter<u64>, fn(&u64) -> bool> {
    numbers.into_iter().filter(is_even)
}

#[stage(flat)]
fn even_by_alias(number: u64) -> Even {
    vec![number].into_iter().filter(is_even)
}

#[stage(flat)]
fn more(number: u64) -> Map<IntoIter<u64>, impl FnMut(u64) -> u64> {
    vec![number].into_iter().map(move |each| each + number)
}

#[stage(flat)]
fn large(number: u64) -> Result<Filter<IntoIter<u64>, impl FnMut(&u64) -> bool>, String> {
    Ok(vec![number].into_iter().filter(move |each| *each >= number))
}

#[stage(flat)]
fn backwards(number: u64) -> Rev<impl DoubleEndedIterator<Item = u64>> {
    vec![number].into_iter().rev()
}

#[stage]
fn list(number: u64) -> Vec<u64> {
    vec![number]
}

#[stage(flat)]
fn copied<'l>(numbers: &'l Vec<u64>, _ctx: &Context) -> Copied<Iter<'l, u64>> {
    numbers.iter().copied()
}

#[stage(flat)]
#[allow(mismatched_lifetime_syntaxes)]
fn copied_without_saying_so(numbers: &Vec<u64>) -> Copied<Iter<u64>> {
    numbers.iter().copied()
}

#[stage]
fn adder(number: u64) -> Box<dyn Fn(&u64) -> u64 + Send + Sync> {
    Box::new(move |other| number + other)
}

#[stage]
fn added(adder: Box<dyn Fn(&u64) -> u64 + Send + Sync>) -> fn(&str) -> &str {
    if adder(&1) > 1 { str::trim } else { str::trim_start }
}

#[stage]
fn trimmed(trim: fn(&str) -> &str) -> String {
    trim(" x ").to_owned()
}

pub fn main() {
    let app = pipeline! {
        name "numbers";
        kafka::text("texts") => numbers => even => even_by_alias => more => large => backwards
            => list => copied => list => copied_without_saying_so => adder => added => trimmed => heal;
    };
    let _ = app.describe();
}

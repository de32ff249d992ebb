use std::collections::{BTreeSet, HashMap};

use healer::prelude::*;

#[stage(flat)]
fn words(line: String) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[stage(flat)]
fn letters(word: &str) -> impl Iterator<Item = char> {
    word.chars()
}

#[stage(flat)]
fn both(letter: char) -> [char; 2] {
    [letter, letter]
}

#[stage(flat)]
fn boxed(letter: char) -> Box<dyn Iterator<Item = u32> + Send> {
    Box::new(0..u32::from(letter))
}

#[stage(flat)]
fn range(n: u32) -> std::ops::Range<u32> {
    0..n
}

#[stage(flat)]
fn pairs(n: u32) -> HashMap<u32, String> {
    HashMap::from([(n, n.to_string())])
}

#[stage(flat)]
async fn set(pair: (u32, String)) -> BTreeSet<u32> {
    std::future::ready(()).await;
    BTreeSet::from([pair.0])
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let letters = lines.then(words::stage()).then(letters::stage()).then(both::stage()).then(boxed::stage());
    let healed = letters.then(range::stage()).then(pairs::stage()).then(set::stage()).heal();
    let _app = App::new("many").chain(healed);
}

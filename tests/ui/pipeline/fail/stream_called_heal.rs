//! A stream with a name that is a word: said once.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "lines";
        heal = kafka::string("lines");
        heal => map(|line| line.len()) => heal;
        checkpoint = kafka::string("more");
        checkpoint => heal;
    };
}

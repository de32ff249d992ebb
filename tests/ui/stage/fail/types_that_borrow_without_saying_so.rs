//! Lifetimes that are left out: the values would borrow what was lent to the call.

use healer::prelude::*;

struct Order(String);

struct Name<'a>(&'a str);

#[stage]
fn name(order: &Order) -> Name {
    Name(&order.0)
}

#[stage]
async fn perhaps(order: &Order) -> Result<Option<Name>, String> {
    Ok(Some(Name(&order.0)))
}

#[stage(flat)]
fn lines(text: &String) -> std::str::Lines {
    text.lines()
}

#[stage(flat)]
fn words(text: &String) -> std::str::SplitWhitespace<'_> {
    text.split_whitespace()
}

#[stage(flat)]
fn letters<'t>(text: &'t str, _ctx: &Context) -> Option<std::str::CharIndices<'t>> {
    Some(text.char_indices())
}

#[stage]
fn length(name: Name) -> usize {
    name.0.len()
}

fn main() {
    let _ = pipeline! {
        name "texts";
        kafka::text("texts") => lines => heal;
        kafka::text("more") => words => heal;
        kafka::text("others") => letters => heal;
    };
}

use healer::prelude::*;

#[stage]
fn tail(flight: &String) -> &str {
    &flight[1..]
}

fn main() {}

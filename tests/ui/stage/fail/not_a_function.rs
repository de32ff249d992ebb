use healer::prelude::*;

#[stage]
struct Flight {
    number: String,
}

fn main() {}

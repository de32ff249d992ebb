use healer::prelude::*;

struct Legs;

#[stage(flat)]
fn legs(_flight: String) -> Legs {
    Legs
}

fn main() {}

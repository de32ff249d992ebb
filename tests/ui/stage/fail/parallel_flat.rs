use healer::prelude::*;

#[stage(flat, parallel = 4)]
fn words(line: String) -> Vec<String> {
    vec![line]
}

fn main() {}

use healer::prelude::*;

#[stage(flat, batch)]
fn legs(rows: &Rows<String>) -> Vec<String> {
    Vec::new()
}

fn main() {}

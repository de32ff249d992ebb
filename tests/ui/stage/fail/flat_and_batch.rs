use healer::prelude::*;

#[stage(flat, batch)]
fn legs(rows: &Batch<String>) -> Vec<String> {
    Vec::new()
}

fn main() {}

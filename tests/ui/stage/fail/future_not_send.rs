use std::rc::Rc;

use healer::prelude::*;

async fn fetch(_: &str) {}

#[stage]
async fn enrich(flight: String) -> String {
    let shared = Rc::new(flight);
    fetch(&shared).await;
    shared.to_string()
}

fn main() {}

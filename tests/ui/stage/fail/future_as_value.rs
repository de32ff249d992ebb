use std::pin::Pin;

use healer::prelude::*;

#[stage]
fn enrich(flight: String) -> Pin<Box<dyn Future<Output = String> + Send>> {
    Box::pin(async move { flight })
}

fn main() {}

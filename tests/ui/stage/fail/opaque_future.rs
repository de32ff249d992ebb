use healer::prelude::*;

#[stage]
fn enrich(flight: String) -> impl Future<Output = String> + Send {
    async move { flight }
}

fn main() {}

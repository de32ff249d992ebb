use healer::prelude::*;

#[stage(retry(1))]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

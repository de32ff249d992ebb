use healer::prelude::*;

#[stage(retry)]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

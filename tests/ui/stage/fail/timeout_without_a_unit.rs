use healer::prelude::*;

#[stage(timeout = 30)]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

use healer::prelude::*;

#[stage(retry(attempts = 5, backoff = "100ms..10s"))]
fn validate(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

use healer::prelude::*;

#[stage(timeout = "1s")]
fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

use healer::prelude::*;

#[stage(dead_letter = "late")]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

use healer::prelude::*;

#[stage(on_error = ignore)]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

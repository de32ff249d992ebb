use healer::prelude::*;

#[stage(retry(3, pause = "1s"))]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

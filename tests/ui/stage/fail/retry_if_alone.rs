use healer::prelude::*;

fn is_busy(_: &String) -> bool {
    true
}

#[stage(retry_if = is_busy)]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

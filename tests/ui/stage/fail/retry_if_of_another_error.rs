use healer::prelude::*;

fn is_busy(_: &std::io::Error) -> bool {
    true
}

#[stage(retry(3), retry_if = is_busy)]
async fn enrich(flight: String) -> Result<String, String> {
    Ok(flight)
}

fn main() {}

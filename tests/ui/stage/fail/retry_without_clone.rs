use healer::prelude::*;

struct Flight;

#[stage(retry(3))]
async fn enrich(flight: Flight) -> Result<Flight, String> {
    Ok(flight)
}

fn main() {}

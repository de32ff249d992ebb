use healer::prelude::*;

struct Enriched;

#[checkpoint]
#[stage]
fn enrich(_flight: String) -> Result<Enriched, String> {
    Ok(Enriched)
}

fn main() {}

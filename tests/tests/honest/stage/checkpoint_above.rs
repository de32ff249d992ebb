use healer::prelude::*;

#[derive(serde::Serialize)]
struct Enriched {
    line: String,
}

#[checkpoint]
#[stage]
fn enrich(line: String) -> Result<Enriched, String> {
    Ok(Enriched { line })
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(enrich::stage()).heal());
}

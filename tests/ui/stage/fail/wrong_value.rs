use healer::prelude::*;

struct Flight;

#[stage]
fn enrich(_flight: Flight) -> String {
    String::new()
}

fn main() {
    let lines = kafka::text("flights").stream("flights");
    let healed = lines.then(enrich::stage()).heal();
    let _app = App::new("flights").chain(healed);
}

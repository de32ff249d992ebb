use healer::prelude::*;

#[stage]
fn shout(line: String) -> String {
    line.to_uppercase()
}

fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.heal().then(shout::stage()));
}

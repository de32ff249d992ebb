use healer::prelude::*;

#[stage]
fn shout(line: String) -> String {
    line.to_uppercase()
}

fn main() {
    let lines = kafka::string("lines").stream("lines");
    let _app = App::new("lines").add(lines.heal().then(shout::stage()));
}

use healer::prelude::*;

#[stage]
fn count(line: &str) -> usize {
    line.len()
}

#[stage]
fn shout(line: String) -> String {
    line.to_uppercase()
}

fn main() {
    let lines = kafka::text("lines").stream("lines");
    let healed = lines.then(count::stage()).then(shout::stage()).map(|line: String| line.len()).heal();
    let _app = App::new("lines").chain(healed);
}

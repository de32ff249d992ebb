use healer::prelude::*;

#[stage]
fn print(line: &str) {
    println!("{line}");
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(print::stage()).heal());
}

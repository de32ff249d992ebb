use healer::prelude::*;

#[stage]
fn print(line: &str) {
    println!("{line}");
}

pub fn main() {
    let lines = kafka::string("lines").stream("lines");
    let _app = App::new("lines").add(lines.then(print::stage()).heal());
}

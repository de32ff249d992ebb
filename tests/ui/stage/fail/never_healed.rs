#![deny(unused_must_use)]

use healer::prelude::*;

#[stage]
fn shout(line: String) -> String {
    line.to_uppercase()
}

fn main() {
    kafka::text("lines").stream("lines").then(shout::stage());
}

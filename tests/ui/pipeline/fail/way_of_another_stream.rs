//! A branch that is another stream than the closure was given.

use healer::prelude::*;

fn main() {
    let other = kafka::string("other").stream("other");
    let lines = kafka::string("lines").stream("lines");
    let both = lines.fan_out(|way| way.heal()).and(|way| {
        let way = other;
        way.heal()
    });
    let _ = App::new("lines").add(both);
}

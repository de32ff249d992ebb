//! The builder knows it as well: a branch without `heal`.

use healer::prelude::*;

fn main() {
    let flights = kafka::text("flights").stream("flights");
    let both = flights.fan_out(|all| all.heal()).and(|all| all.map(|line: String| line.len()));
    let _ = App::new("flights").chain(both);
}

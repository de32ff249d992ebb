//! The builder knows it as well: a chain without `heal` makes no app.

use healer::prelude::*;

fn main() {
    let flights = kafka::text("flights").stream("flights").map(|line: String| line.len());
    let _ = App::new("flights").chain(flights);
}

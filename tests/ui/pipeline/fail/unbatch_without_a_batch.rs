//! What is no batch cannot be taken apart, neither can a batch twice.

use healer::{App, prelude::*};

#[stage(batch)]
fn saved(rows: &Batch<String>) {
    assert!(!rows.is_empty());
}

fn main() {
    let _ = pipeline! { name "single"; kafka::text("lines") => unbatch() => heal; };
    let _ = pipeline! { name "twice"; kafka::text("lines") => batch(3) => unbatch() => unbatch() => heal; };
    let _ = pipeline! { name "late"; kafka::text("lines") => batch(3) => unbatch() => saved => heal; };
    let rows = kafka::text("lines").stream("lines").batch(3);
    let _ = App::new("made").chain(rows.map(|rows: Batch<String>| rows.len()).unbatch().heal());
}

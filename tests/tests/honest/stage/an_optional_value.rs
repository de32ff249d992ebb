use healer::prelude::*;

// A stream of tombstones and values: only what a stage returns is opened.
#[stage(skip = "deleted")]
fn present(line: Option<String>) -> Option<String> {
    line
}

pub fn main() {
    let _ = present::stage();
}

use healer::prelude::*;

// A stream of tombstones and values: only the result of a stage is opened, not its input.
#[stage(skip = "deleted")]
fn present(line: Option<String>) -> Option<String> {
    line
}

pub fn main() {
    let _ = present::stage();
}

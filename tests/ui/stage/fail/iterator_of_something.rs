//! An iterator in which something has no name.

use healer::prelude::*;

#[stage(flat)]
fn items(line: String) -> std::iter::Take<impl Sized + Iterator> {
    line.into_bytes().into_iter().take(2)
}

fn main() {}

//! Nothing at all.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {};
}

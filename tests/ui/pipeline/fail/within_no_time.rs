//! A time that is none.

use healer::prelude::*;

fn main() {
    let _ = pipeline! { name "lines"; kafka::string("lines") => partition(3, within = "2x") => heal; };
}

//! A time that is none.

use healer::prelude::*;

fn main() {
    let _ = pipeline! { name "lines"; kafka::text("lines") => batch(3, within = "2x") => heal; };
}

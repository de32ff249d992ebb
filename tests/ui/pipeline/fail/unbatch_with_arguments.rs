//! `unbatch` takes no values and no settings, and is written with parentheses.

use healer::prelude::*;

fn main() {
    let _ = pipeline! { name "value"; kafka::text("lines") => batch(3) => unbatch(5) => heal; };
    let _ = pipeline! { name "setting"; kafka::text("lines") => batch(3) => unbatch(within = "1s") => heal; };
    let _ = pipeline! { name "bare"; kafka::text("lines") => batch(3) => unbatch => heal; };
    let _ = pipeline! { name "chained"; kafka::text("lines") => batch(3) => unbatch().named("rows") => heal; };
}

//! Attributes where none can be.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "lines";
        lines = kafka::text("lines");
        #[cfg(any())] lines => kafka::to_text("copy") => heal;
        lines => #[cfg(any())] heal;
        #[cfg(any())]
        more = kafka::text("more");
        more => #[cfg(any())] => heal;
    };
}

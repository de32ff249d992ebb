//! Attributes where none can be.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "lines";
        lines = kafka::string("lines");
        #[cfg(any())] lines => kafka::to_string("copy") => heal;
        lines => #[cfg(any())] heal;
        #[cfg(any())]
        more = kafka::string("more");
        more => #[cfg(any())] => heal;
    };
}

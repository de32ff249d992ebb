//! Where the library has another name.
#![allow(clippy::pedantic)] // code as users write it

use inner::healed::{kafka, pipeline};

mod inner {
    pub(crate) use ::healer as healed;
}

fn main() {
    let app = pipeline! {
        crate inner::healed;
        name "flights";
        east = kafka::text("east");
        west = kafka::text("west");
        union(east, west) => heal;
    };
    assert_eq!(app.name(), "flights");
}

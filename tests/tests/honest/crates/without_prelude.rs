//! Without the prelude: the code of the macro needs no imports.
#![allow(clippy::pedantic)] // code as users write it
#![no_implicit_prelude]

use ::std::{assert_eq, string::String};

#[::healer::stage]
fn validate(line: String) -> String {
    line
}

fn main() {
    let app: ::healer::App = ::healer::pipeline! {
        name "lines";
        east = ::healer::kafka::text("east") => validate;
        west = ::healer::kafka::text("west") => filter(|line| !line.is_empty(), reason = "empty");
        both = union(east, west);
        both => ::healer::kafka::to_text("copy") => heal;
        both => batch(10) => heal;
    };
    assert_eq!(app.name(), "lines");
}

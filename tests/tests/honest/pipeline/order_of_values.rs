//! Values that can jump run first, in the order in which they are written, and each value runs once.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

#[stage]
fn validate(flight: Flight) -> Flight {
    flight
}

use std::cell::RefCell;

pub fn main() -> Result<(), std::num::ParseIntError> {
    let seen = RefCell::new(Vec::new());
    let note = |word: &'static str| {
        seen.borrow_mut().push(word);
        word
    };
    let early = |word: &'static str| {
        note(word);
        "7".parse::<usize>()
    };
    let app = pipeline! {
        name note("name");
        flights = kafka::json::<Flight>(note("source"));
        others = kafka::json::<Flight>(note("other source"));
        flights => batch(early("first early")?) as note("first branch") => heal;
        others => batch(early("second early")?) => heal;
        flights => validate as note("second branch") => heal;
    };
    drop(app);
    let order =
        ["first early", "second early", "name", "source", "first branch", "second branch", "other source"];
    assert_eq!(*seen.borrow(), order);
    Ok(())
}

use std::borrow::Cow;

use healer::prelude::*;

#[stage]
fn tail(flight: Cow<'_, str>) -> String {
    flight.into_owned()
}

fn main() {}

use std::rc::Rc;

use healer::prelude::*;

#[stage]
fn share(flight: String) -> Rc<str> {
    flight.into()
}

fn main() {}

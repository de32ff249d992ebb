//! Iterators and functions that nothing runs.

use healer::prelude::*;

#[stage]
fn legs(flight: Vec<u64>) -> Box<dyn Iterator<Item = Result<u64, String>> + Send> {
    Box::new(flight.into_iter().map(|leg| Err(leg.to_string())))
}

struct Legs(u64);

impl Iterator for Legs {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        None
    }
}

fn main() {
    let flights = || kafka::json::<Vec<u64>>("flights");
    let _ = pipeline! { name "closure"; flights() => map(|legs| legs.into_iter().map(|leg| leg * 2)) => heal; };
    let _ = pipeline! { name "boxed"; flights() => legs => heal; };
    let _ = pipeline! { name "own"; flights() => map(|legs| Legs(legs[0])) => heal; };
    let _ = pipeline! { name "later"; flights() => map(|legs| move || drop(legs.clone())) => heal; };
}

use healer::prelude::*;

struct Planes;

impl Planes {
    #[stage]
    fn enrich(&self, flight: String) -> String {
        flight
    }
}

fn main() {}

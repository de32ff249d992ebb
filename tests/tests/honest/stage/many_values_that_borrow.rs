use healer::prelude::*;

struct Stops(Vec<String>);

#[stage(flat)]
fn legs(flight: &Vec<u32>) -> std::iter::Copied<std::slice::Iter<'_, u32>> {
    flight.iter().copied()
}

#[stage(flat)]
fn stops<'a>(leg: u32, ctx: &'a Context, #[state] stops: &'a Stops) -> impl Iterator<Item = (i64, String)> + use<'a> {
    stops.0.iter().skip(leg as usize).map(|stop| (ctx.offset(), stop.clone()))
}

#[stage(flat)]
async fn names<'a>(stop: (i64, String), #[state] all: &'a Stops) -> Box<dyn Iterator<Item = String> + Send + 'a> {
    std::future::ready(()).await;
    Box::new(all.0.iter().filter(move |name| **name != stop.1).cloned())
}

pub fn main() {
    let flights = kafka::json::<Vec<u32>>("flights").stream("flights");
    let healed = flights.then(legs::stage()).then(stops::stage()).then(names::stage()).heal();
    let _app = App::new("legs").chain(healed).with(Stops(Vec::new()));
}

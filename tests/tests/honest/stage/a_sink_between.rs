use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    number: String,
}

#[stage]
fn validate(flight: Flight) -> Result<Flight, String> {
    if flight.number.is_empty() { Err("no number".to_owned()) } else { Ok(flight) }
}

pub fn main() {
    let flights = kafka::json::<Flight>("flights").stream("flights");
    let healed = flights.then(validate::stage()).checkpoint().then(kafka::to_json("valid")).heal();
    let _app = App::new("flights").chain(healed);
}

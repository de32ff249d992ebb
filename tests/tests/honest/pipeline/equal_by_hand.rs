//! The code of the macro can be written by hand.

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

pub fn main() {
    let app = pipeline! {
        name "flights";
        flights = kafka::json::<Flight>("flights") => validate;
        flights => filter(|flight| flight.delay >= 60, reason = "on time") => kafka::to_json("late-flights") => heal;
        flights => batch(500, within = "1s") as "batches" => heal;
    };
    let by_hand = App::new("flights").chain(
        kafka::json::<Flight>("flights")
            .stream("flights")
            .then(validate::stage())
            .fan_out(|all| {
                all.filter(|flight| flight.delay >= 60)
                    .reason("on time")
                    .then(kafka::to_json("late-flights"))
                    .heal()
            })
            .and(|all| all.batch(500).within("1s").named("batches").heal()),
    );
    assert_eq!(app.describe().to_string(), by_hand.describe().to_string());
    assert_eq!(app.describe().mermaid(), by_hand.describe().mermaid());
    assert_eq!(app.describe().dot(), by_hand.describe().dot());
}

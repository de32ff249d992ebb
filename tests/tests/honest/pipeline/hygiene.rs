//! Streams are no variables, and variables are no streams; ours meet none of the user's.

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

#[stage]
fn checked(flight: Flight) -> Flight {
    flight
}

mod late {
    #[healer::stage]
    pub fn marked(flight: super::Flight) -> super::Flight {
        flight
    }
}

pub fn main() {
    let (name, way, stream, value_0) = ("name", "way", "stream", 7);
    // Variables with the names of a stage and of a module.
    let (checked, late) = (true, 60);
    let app = pipeline! {
        name name;
        way = kafka::json::<Flight>(way) => validate;
        validate = way => validate;
        port_1 = way => map(move |flight| flight.delay + value_0);
        validate => filter(|way| way.delay > 0) => checked => kafka::to_json(stream) => heal;
        way => filter(move |way| checked && way.delay > late) => late::marked => crate::pipeline::hygiene::checked => heal;
        port_1 => heal;
        joined_6 = union(validate, way);
        joined_6 => heal;
        r#type = kafka::json::<Flight>("type");
        r#type => heal;
    };
    println!("{}", app.describe());
}

//! Values of the program: variables, `?`, arithmetic, calls.

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

fn topic(name: &str) -> Result<String, std::env::VarError> {
    Ok(format!("{name}-flights"))
}

fn make(rows: usize) -> Result<App, Box<dyn std::error::Error>> {
    let wait = std::time::Duration::from_millis(250);
    let sinks = vec![topic("late")?];
    Ok(pipeline! {
        name format!("flights-{rows}");
        flights = kafka::json::<Flight>(topic("all")?) => validate as topic("stage")?;
        flights => filter(|flight| flight.delay >= 60, reason = topic("reason")?) => kafka::to_json(topic("late")?) => heal;
        flights => batch("500".parse::<usize>()? + rows * 2, within = wait) => heal;
        flights => kafka::to_json(sinks[0].clone()) => heal;
        flights => kafka::to_json({
            let name = &sinks[0];
            name.as_str()
        }) => heal;
    })
}

pub fn main() {
    assert_eq!(make(7).unwrap().name(), "flights-7");
}

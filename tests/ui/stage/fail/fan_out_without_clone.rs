use healer::prelude::*;

#[derive(serde::Deserialize)]
struct Flight;

fn main() {
    let flights = kafka::json::<Flight>("flights").stream("flights");
    let both = flights.fan_out(|all| all.heal()).and(|all| all.heal());
    let _app = App::new("flights").chain(both);
}

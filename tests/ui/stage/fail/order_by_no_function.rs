use healer::prelude::*;

#[stage(parallel = 4, order = key())]
async fn enrich(flight: String) -> String {
    flight
}

#[stage(parallel = 4, order = key("customer"))]
async fn charge(flight: String) -> String {
    flight
}

#[stage(parallel = 4, order = key(String::len), keyless = none)]
async fn store(flight: String) -> String {
    flight
}

#[stage(order = key(String::len))]
async fn archive(flight: String) -> String {
    flight
}

fn main() {}

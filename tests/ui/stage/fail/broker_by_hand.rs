use healer::broker::Broker;

fn main() {}

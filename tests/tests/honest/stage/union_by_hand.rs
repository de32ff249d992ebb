use healer::prelude::*;

#[stage]
fn length(line: &str) -> usize {
    line.len()
}

fn app() -> App {
    let (into, both) = union("both");
    let east = kafka::string("east").stream("east").to(&into);
    let west = kafka::string("west").stream("west").map(|line: String| line + "!").to(&into);
    let both = both.then(length::stage()).named("long").heal();
    App::new("union").add(east).add(west).add(both)
}

pub fn main() {
    assert!(app().describe().to_string().contains("long"));
}

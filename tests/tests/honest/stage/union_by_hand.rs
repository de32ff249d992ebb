use healer::prelude::*;

#[stage]
fn length(line: &str) -> usize {
    line.len()
}

fn app() -> App {
    let (into, both) = union("both");
    let east = kafka::text("east").stream("east").to(&into);
    let west = kafka::text("west").stream("west").map(|line: String| line + "!").to(&into);
    let both = both.then(length::stage()).named("long").heal();
    App::new("union").chain(east).chain(west).chain(both)
}

pub fn main() {
    assert!(app().describe().to_string().contains("long"));
}

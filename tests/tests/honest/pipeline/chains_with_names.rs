//! `name = … => heal;` names a chain.

use healer::prelude::*;

#[stage]
fn loud(line: String) -> String {
    line.to_uppercase()
}

pub fn main() {
    let app = pipeline! {
        name "lines";
        lines = kafka::string("lines") as "raw";
        all = lines => loud => heal;
        short = lines => filter(|line| line.len() < 9, reason = "long") => kafka::to_string("short") => heal;
        others = kafka::string("others") => loud => heal;
        a = kafka::string("a");
        b = kafka::string("b") as "bees";
        both = union(a, b) => loud => heal;
        rest = kafka::string("rest") as "remains" => heal;
    };
    let text = app.describe().to_string();
    for line in ["all (heal)", "short (heal)", "others (source", "both (union)", "rest (heal)", "remains (source"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let by_hand = kafka::string("lines").stream("lines").heal_as("by hand");
    assert!(App::new("x").add(by_hand).describe().to_string().contains("by hand (heal)"));
}

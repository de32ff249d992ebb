//! `name = … => heal;` names a chain.

use healer::prelude::*;

#[stage]
fn loud(line: String) -> String {
    line.to_uppercase()
}

pub fn main() {
    let app = pipeline! {
        name "lines";
        lines = kafka::text("lines") as "raw";
        all = lines => loud => heal;
        short = lines => filter(|line| line.len() < 9, reason = "long") => kafka::to_text("short") => heal;
        others = kafka::text("others") => loud => heal;
        a = kafka::text("a");
        b = kafka::text("b") as "bees";
        both = union(a, b) => loud => heal;
        rest = kafka::text("rest") as "remains" => heal;
    };
    let text = app.describe().to_string();
    for line in ["all (heal)", "short (heal)", "others (source", "both (union)", "rest (heal)", "remains (source"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let by_hand = kafka::text("lines").stream("lines").heal_as("by hand");
    assert!(App::new("x").chain(by_hand).describe().to_string().contains("by hand (heal)"));
}

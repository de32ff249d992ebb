//! `#[cfg]` before a node.

use healer::prelude::*;

#[stage]
fn loud(line: String) -> String {
    line.to_uppercase()
}

pub fn main() {
    let app = pipeline! {
        name "lines";
        lines = kafka::text("lines")
            => #[cfg(any())] filter(|line| line.len() > 2, reason = "short")
            => #[cfg(any())] not_even_there
            => #[cfg(all())] loud as "there"
            => #[cfg(all())] #[cfg(not(any()))] map(|line| line.len());
        lines => #[cfg(any())] kafka::to_json("lengths") => heal;
        lines => batch(3) => heal;
    };
    let text = app.describe().to_string();
    assert!(text.contains("there (stage)") && text.contains("map (map)"), "{text}");
    assert!(!text.contains("filter") && !text.contains("sink"), "{text}");
}

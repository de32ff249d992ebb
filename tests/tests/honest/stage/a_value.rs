use healer::prelude::*;

#[stage]
fn shout(line: String) -> String {
    line.to_uppercase()
}

pub fn main() {
    // The plain function stays a plain function.
    assert_eq!(shout("late".to_owned()), "LATE");
    let lines = kafka::text("lines").stream("lines");
    let app = App::new("lines").chain(lines.then(shout::stage()).heal());
    assert!(app.describe().to_string().contains("shout"));
}

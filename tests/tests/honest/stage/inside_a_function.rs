use healer::prelude::*;

fn app() -> App {
    #[stage]
    fn shout(line: String) -> String {
        line.to_uppercase()
    }

    let lines = kafka::text("lines").stream("lines");
    App::new("lines").chain(lines.then(shout::stage()).heal())
}

pub fn main() {
    let _ = app();
}

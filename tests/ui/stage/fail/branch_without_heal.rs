use healer::prelude::*;

fn main() {
    let lines = kafka::text("lines").stream("lines");
    let both = lines.fan_out(|all| all.map(|line: String| line.len()).heal()).and(|all| all.then(kafka::to_text("copy")));
    let _app = App::new("lines").chain(both);
}

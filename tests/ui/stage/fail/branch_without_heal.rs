use healer::prelude::*;

fn main() {
    let lines = kafka::string("lines").stream("lines");
    let both = lines.fan_out(|all| all.map(|line: String| line.len()).heal()).and(|all| all.then(kafka::to_string("copy")));
    let _app = App::new("lines").add(both);
}

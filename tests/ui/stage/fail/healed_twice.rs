use healer::prelude::*;

fn main() {
    let lines = kafka::text("lines").stream("lines");
    let one = lines.heal();
    let two = lines.heal();
    let _app = App::new("lines").chain(one).chain(two);
}

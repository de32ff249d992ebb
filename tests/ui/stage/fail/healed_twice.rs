use healer::prelude::*;

fn main() {
    let lines = kafka::string("lines").stream("lines");
    let one = lines.heal();
    let two = lines.heal();
    let _app = App::new("lines").add(one).add(two);
}

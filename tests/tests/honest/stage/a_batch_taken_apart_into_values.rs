use healer::prelude::*;

#[stage(flat)]
fn each(rows: &Batch<String>) -> Vec<String> {
    rows.iter().map(|(_, row)| row.clone()).collect()
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines").batch(5);
    let _app = App::new("lines").chain(lines.then(each::stage()).heal());
}

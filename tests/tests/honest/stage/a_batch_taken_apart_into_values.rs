use healer::prelude::*;

#[stage(flat)]
fn each(rows: &Rows<String>) -> Vec<String> {
    rows.iter().map(|(_, row)| row.clone()).collect()
}

pub fn main() {
    let lines = kafka::string("lines").stream("lines").partition(5);
    let _app = App::new("lines").add(lines.then(each::stage()).heal());
}

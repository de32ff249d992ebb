use healer::prelude::*;

#[stage(batch)]
fn save(rows: &Rows<String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {
    let lines = kafka::string("lines").stream("lines");
    let _app = App::new("lines").add(lines.then(save::stage()).heal());
}

use healer::prelude::*;

#[stage(batch)]
fn save(rows: &Batch<String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

fn main() {
    let lines = kafka::text("lines").stream("lines");
    let _app = App::new("lines").chain(lines.then(save::stage()).heal());
}

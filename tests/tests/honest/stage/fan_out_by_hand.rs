use healer::prelude::*;

#[stage]
fn length(line: &str) -> usize {
    line.len()
}

#[stage(batch)]
fn save(rows: &Batch<String>) -> Result<(), String> {
    let _ = rows.len();
    Ok(())
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let both = lines
        .fan_out(|all| all.then(length::stage()).filter(|n| *n > 80).reason("short").heal())
        .and(|all| all.batch(500).within("1s").then(save::stage()).heal());
    let _app: App = App::new("lines").chain(both);
}

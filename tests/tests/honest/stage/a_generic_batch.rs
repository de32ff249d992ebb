use std::fmt::Display;

use healer::prelude::*;

#[stage(batch)]
fn show<'b, T: Display>(rows: BatchMut<'b, T>) -> BatchMut<'b, String> {
    rows.map(|value| value.to_string())
}

#[stage(batch)]
async fn print<T: Display + Sync>(rows: &Batch<T>) -> Result<(), String> {
    for (_, row) in rows {
        println!("{row}");
    }
    Ok(())
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines").batch(5);
    let _app = App::new("lines").chain(lines.then(show::stage()).then(print::stage()).heal());
}

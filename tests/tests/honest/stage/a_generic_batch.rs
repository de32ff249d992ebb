use std::fmt::Display;

use healer::prelude::*;

#[stage(batch)]
fn show<'b, T: Display>(rows: Batch<'b, T>) -> Batch<'b, String> {
    rows.map(|value| value.to_string())
}

#[stage(batch)]
async fn print<T: Display + Sync>(rows: &Rows<T>) -> Result<(), String> {
    for (_, row) in rows {
        println!("{row}");
    }
    Ok(())
}

pub fn main() {
    let lines = kafka::string("lines").stream("lines").partition(5);
    let _app = App::new("lines").add(lines.then(show::stage()).then(print::stage()).heal());
}

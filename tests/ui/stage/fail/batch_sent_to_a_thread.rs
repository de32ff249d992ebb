use healer::prelude::*;

#[stage(batch)]
fn spawn<'b>(rows: Batch<'b, String>) -> Result<Batch<'b, String>, String> {
    std::thread::spawn(move || drop(rows));
    Err("left there".to_owned())
}

fn main() {}

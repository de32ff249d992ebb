use healer::prelude::*;

#[stage(batch)]
fn spawn<'b>(rows: BatchMut<'b, String>) -> Result<BatchMut<'b, String>, String> {
    std::thread::spawn(move || drop(rows));
    Err("left there".to_owned())
}

fn main() {}

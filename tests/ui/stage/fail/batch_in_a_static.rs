use std::sync::Mutex;

use healer::prelude::*;

static KEPT: Mutex<Option<Batch<'static, String>>> = Mutex::new(None);

#[stage(batch)]
fn keep<'b>(rows: Batch<'b, String>) -> Result<Batch<'b, String>, String> {
    *KEPT.lock().unwrap() = Some(rows);
    Err("later".to_owned())
}

fn main() {}

use std::sync::Mutex;

use healer::prelude::*;

static KEPT: Mutex<Option<BatchMut<'static, String>>> = Mutex::new(None);

#[stage(batch)]
fn keep<'b>(rows: BatchMut<'b, String>) -> Result<BatchMut<'b, String>, String> {
    *KEPT.lock().unwrap() = Some(rows);
    Err("later".to_owned())
}

fn main() {}

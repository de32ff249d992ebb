use std::sync::Mutex;

use healer::prelude::*;

struct Kept(Mutex<Option<BatchMut<'static, String>>>);

#[stage(batch)]
fn swap<'b>(rows: BatchMut<'b, String>, #[state] kept: &Kept) -> Result<BatchMut<'b, String>, String> {
    kept.0.lock().unwrap().replace(rows).ok_or_else(|| "the first call".to_owned())
}

fn main() {}

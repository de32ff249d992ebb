use std::sync::Mutex;

use healer::prelude::*;

#[stage(batch)]
fn save(rows: &Batch<String>, #[state] kept: &Mutex<Option<Batch<String>>>) {
    if let Some(others) = kept.lock().unwrap().take() {
        *rows = others;
    }
}

fn main() {}

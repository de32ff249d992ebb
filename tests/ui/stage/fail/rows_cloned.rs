use std::sync::Mutex;

use healer::prelude::*;

fn main() {
    let kept = Mutex::new(None);
    let rows = kafka::text("orders").stream("orders").batch(3);
    let rows = rows.map(move |rows: Batch<String>| {
        let copy: Batch<String> = rows.clone();
        kept.lock().unwrap().replace(copy).unwrap_or(rows)
    });
    let _ = rows.heal();
}

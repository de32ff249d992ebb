use std::sync::Mutex;

use healer::prelude::*;

fn main() {
    let kept = Mutex::new(None);
    let rows = kafka::string("orders").stream("orders").partition(3);
    let rows = rows.map(move |rows: Rows<String>| {
        let copy: Rows<String> = rows.clone();
        kept.lock().unwrap().replace(copy).unwrap_or(rows)
    });
    let _ = rows.heal();
}

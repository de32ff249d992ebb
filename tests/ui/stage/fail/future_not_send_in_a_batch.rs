use std::sync::Mutex;

use healer::prelude::*;

async fn send(_: &str) {}

#[stage(batch)]
async fn save(rows: &Batch<String>, #[state] log: &Mutex<Vec<String>>) -> Result<(), std::io::Error> {
    let mut log = log.lock().unwrap();
    for (_, row) in rows {
        send(row).await;
        log.push(row.clone());
    }
    Ok(())
}

fn main() {}

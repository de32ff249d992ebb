use std::sync::Mutex;

use healer::prelude::*;

type Db = Mutex<Vec<(i64, String)>>;

#[stage(batch)]
fn save(rows: &Batch<String>, #[state] db: &Db) -> Result<(), std::io::Error> {
    for (ctx, line) in rows {
        db.lock().unwrap().push((ctx.offset(), line.clone()));
    }
    Ok(())
}

#[stage(batch)]
async fn send(rows: &Batch<String>) -> anyhow::Result<()> {
    for (_, line) in rows.iter() {
        std::future::ready(line).await;
    }
    Ok(())
}

#[stage(batch)]
fn count(rows: &Batch<String>) {
    println!("{}", rows.len());
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines").batch(500).within("1s");
    let healed = lines.then(save::stage()).then(send::stage()).then(count::stage()).heal();
    let _app = App::new("lines").chain(healed).with(Db::default());
}

use healer::prelude::*;

async fn fetch(key: &str) -> Result<usize, std::io::Error> {
    Ok(key.len())
}

#[stage]
async fn enrich(line: String) -> Result<(String, usize), std::io::Error> {
    let length = fetch(&line).await?;
    Ok((line, length))
}

#[stage(skip = "short")]
async fn lent(line: &(String, usize)) -> Option<usize> {
    let length = fetch(&line.0).await.ok()?;
    (length > 3).then_some(length)
}

#[stage]
async fn plain(length: usize) -> usize {
    length + 1
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let healed = lines.then(enrich::stage()).then(lent::stage()).then(plain::stage()).heal();
    let _app = App::new("lines").chain(healed);
}

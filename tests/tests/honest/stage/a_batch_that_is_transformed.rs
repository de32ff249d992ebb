use healer::prelude::*;

struct Model;

#[stage(batch)]
fn shout(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.filter("empty", |line| !line.is_empty()).map(|line| line.to_uppercase())
}

#[stage(batch)]
async fn score<'b>(rows: BatchMut<'b, String>, #[state] model: &Model) -> Result<BatchMut<'b, usize>, healer::WrongLength> {
    let _ = model;
    std::future::ready(()).await;
    rows.try_map_all(|lines| lines.into_iter().map(|line| line.len()).collect())
}

#[stage(batch)]
fn route<'b>(rows: BatchMut<'b, usize>) -> BatchMut<'b, u64> {
    rows.route(|n| *n > 9, |long| long.map(|n| n as u64), |short| short.reduce(|all| all.len() as u64))
}

#[stage(batch)]
fn checked(rows: BatchMut<'_, u64>) -> anyhow::Result<BatchMut<'_, u32>> {
    Ok(rows.try_map(u32::try_from)?)
}

#[stage(batch)]
fn each(rows: BatchMut<'_, u32>) -> BatchMut<'_, u32> {
    rows.flat_map("none", |n| 0..n)
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines").batch(500);
    let scored = lines.then(shout::stage()).then(score::stage()).then(route::stage());
    let _app = App::new("lines").chain(scored.then(checked::stage()).then(each::stage()).heal()).with(Model);
}

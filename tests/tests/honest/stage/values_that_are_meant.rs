use std::{
    collections::BTreeMap,
    mem::{self, Discriminant},
    ops::Range,
    pin::Pin,
    sync::Arc,
};

use healer::prelude::*;
use tokio::task::JoinHandle;

/// It is no future, in spite of its name.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct FutureContract {
    price: Option<Option<u64>>,
}

async fn ask(line: String) -> Result<FutureContract, String> {
    serde_json::from_str(&line).map_err(|error| error.to_string())
}

type Asking = Pin<Box<dyn Future<Output = Result<FutureContract, String>> + Send>>;

#[stage]
fn begin(line: String) -> Asking {
    Box::pin(ask(line))
}

#[stage]
async fn wait(asking: Asking) -> Result<FutureContract, String> {
    asking.await
}

#[stage]
fn spawn(contract: FutureContract) -> JoinHandle<FutureContract> {
    tokio::spawn(async { contract })
}

#[stage]
async fn join(handle: JoinHandle<FutureContract>) -> anyhow::Result<FutureContract> {
    Ok(handle.await?)
}

#[stage]
fn prices(contract: FutureContract) -> Vec<Result<u64, String>> {
    vec![contract.price.flatten().ok_or_else(|| "no price".to_owned())]
}

#[stage]
fn first(prices: Vec<Result<u64, String>>) -> Result<Option<u64>, String> {
    prices.into_iter().next().transpose()
}

#[stage]
fn range(price: u64) -> (Range<u64>, BTreeMap<u64, Option<u64>>) {
    (0..price, BTreeMap::new())
}

#[stage]
fn answer(line: String) -> Plain<Result<u64, String>> {
    Plain(line.parse().map_err(|_| line))
}

#[stage]
fn loud(answer: &Plain<Result<u64, String>>) -> bool {
    answer.is_ok()
}

#[stage]
fn pass<T>(value: T) -> T {
    value
}

type Maybe = Option<Option<u8>>;

/// 36 types.
type Wide = (Maybe, Maybe, Maybe, Maybe, Maybe, Maybe, Maybe, Maybe, Maybe, Maybe, Maybe, [u8; 2]);

fn wide(_: String) -> (Wide, Arc<tokio::sync::Mutex<Vec<String>>>) {
    Default::default()
}

/// Says which it was, and keeps nothing of it.
fn which(line: String) -> Discriminant<Result<u64, std::num::ParseIntError>> {
    mem::discriminant(&line.parse())
}

pub fn main() {
    let config = Config::builder().brokers("localhost:9092").build().unwrap();
    let by_macro = pipeline! {
        name "meant";
        contracts = kafka::text("contracts") => begin => wait => spawn => join;
        contracts => kafka::to_json("copies") => prices => first => range => kafka::to_json("ranges") => heal;
        contracts => map(|contract| contract.price.ok_or("no price")) => pass => try_map(|price| price) => heal;
        answers = kafka::text("lines") => answer;
        answers => kafka::to_json("answers") => checkpoint => loud => heal;
        answers => batch(2) => heal;
        kafka::json::<Plain<Result<u64, String>>>("kept") => kafka::to_json("again") => heal;
        kafka::text("wide") => map(wide) => heal;
        kafka::text("which") => map(which) => heal;
        kafka::text("parsed") => map(|line| line.parse().unwrap()) => batch(2) => sum => heal;
    };
    by_macro.build(&config).map(drop).unwrap();
    let by_hand = kafka::text("lines").stream("lines").then(begin::stage()).then(wait::stage()).then(spawn::stage());
    let by_hand = by_hand.then(join::stage()).then(pass::stage()).map(Ok::<_, String>).map(|all| all.is_ok());
    let which = kafka::text("which").stream("which").map(which).heal();
    App::new("by hand").chain(by_hand.heal()).chain(which).build(&config).map(drop).unwrap();
}

/// This stage alone tells the compiler the type that is parsed.
#[stage(batch)]
fn sum(rows: &Batch<u64>) {
    assert!(rows.iter().map(|(_, n)| n).sum::<u64>() < u64::MAX);
}

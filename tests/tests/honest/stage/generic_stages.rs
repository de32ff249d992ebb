use std::{fmt::Display, str::FromStr};

use healer::prelude::*;

#[stage]
fn pass<T>(value: T) -> T {
    value
}

#[stage]
fn parse<T: FromStr>(line: &str) -> Result<T, T::Err>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    line.parse()
}

#[stage]
fn repeat<T, const N: usize>(value: T) -> [T; N]
where
    T: Clone,
{
    std::array::from_fn(|_| value.clone())
}

#[stage]
async fn show<'a, T: Display + Sync, S: Display + ?Sized>(value: &'a T, ctx: &'a Context, #[state] prefix: &'a S) -> String {
    format!("{prefix} {value} {}", ctx.offset())
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let numbers = lines.then(pass::stage()).then(parse::<u32>::stage());
    let shown = numbers.then(show::<_, str>::stage()).then(repeat::<_, 3>::stage()).heal();
    let _app = App::new("generic").chain(shown).with_arc::<str>("n".into());
}

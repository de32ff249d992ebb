use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use healer::prelude::*;

struct Planes(HashMap<String, u32>);

trait Clock: Send + Sync {
    fn now(&self) -> u64;
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> u64 {
        7
    }
}

#[stage]
fn seats(tail: String, #[state] planes: &Planes, ctx: &Context, #[state] seen: &AtomicU64) -> Option<u32> {
    seen.fetch_add(ctx.offset().unsigned_abs(), Ordering::Relaxed);
    planes.0.get(&tail).copied()
}

#[stage]
async fn stamp(#[state] clock: &dyn Clock, #[state] name: &str, seats: u32) -> String {
    format!("{name} {seats} {}", clock.now())
}

#[stage]
fn stamp_again(#[state] clock: &(dyn std::fmt::Debug + Send + Sync), text: &str) -> String {
    format!("{clock:?} {text}")
}

pub fn main() {
    let tails = kafka::text("tails").stream("tails");
    let healed = tails.then(seats::stage()).then(stamp::stage()).then(stamp_again::stage()).heal();
    let clock: std::sync::Arc<dyn Clock> = std::sync::Arc::new(Fixed);
    let _app = App::new("seats")
        .chain(healed)
        .with(Planes(HashMap::new()))
        .with(AtomicU64::new(0))
        .with_arc(clock)
        .with_arc::<str>("a".into());
}

//! Sinks that the macro does not know by their names.

use std::{
    pin::Pin,
    task::{Context as Task, Poll},
};

use healer::{Json, Sink, prelude::*};

#[derive(serde::Serialize)]
struct Mine;

impl Future for Mine {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

#[derive(Clone, serde::Serialize)]
struct Legs(u64);

impl Iterator for Legs {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        None
    }
}

#[stage]
fn begin(_: String) -> Mine {
    Mine
}

#[stage]
async fn awaited(mine: Mine) {
    mine.await;
}

#[stage]
fn legs(_: String) -> Legs {
    Legs(1)
}

#[stage]
fn counted(legs: Legs) -> u64 {
    legs.0
}

fn out() -> Sink<Legs, Json> {
    kafka::to_json("out")
}

fn main() {
    let sink = kafka::to_json("out");
    let _ = pipeline! { name "call"; kafka::text("orders") => legs => (out()) => counted => heal; };
    let _ = pipeline! { name "variable"; kafka::text("orders") => begin => (sink) => awaited => heal; };
    let _ = pipeline! { name "codec"; kafka::text("orders") => begin => kafka::sink(Json, "out") => awaited => heal; };
    let _ = pipeline! { name "named"; kafka::text("orders") => legs => (out().key(|_, _| None)) as "out" => counted => heal; };
    let _ = pipeline! {
        name "ways";
        legs = kafka::text("orders") => legs;
        legs => #[cfg(all())] (out()) => counted => heal;
        legs => #[cfg(any())] (out()) => counted => heal;
    };
}

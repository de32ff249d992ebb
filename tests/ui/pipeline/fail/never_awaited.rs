//! Futures that get to where their records count as done.

use std::{
    pin::Pin,
    task::{Context as Task, Poll},
};

use healer::prelude::*;

async fn save(order: String) -> Result<(), String> {
    Err(order)
}

type Saving = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

#[stage]
fn begin(order: String) -> Saving {
    Box::pin(save(order))
}

#[stage]
fn charge(order: String) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || drop(order))
}

struct Mine;

impl Future for Mine {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

fn main() {
    let _ = pipeline! { name "closure"; kafka::text("orders") => map(save) => heal; };
    let _ = pipeline! { name "inside"; kafka::text("orders") => try_map(|order| Ok::<_, String>(save(order))) => heal; };
    let _ = pipeline! { name "alias"; kafka::text("orders") => begin => heal; };
    let _ = pipeline! { name "thread"; kafka::text("orders") => charge => heal; };
    let _ = pipeline! { name "rows"; kafka::text("orders") => map(save) => batch(10) => heal; };
    let _ = pipeline! { name "own"; kafka::text("orders") => map(|_| vec![(1, Some(Mine))]) => heal; };
}

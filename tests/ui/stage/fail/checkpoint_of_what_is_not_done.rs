//! A checkpoint counts as done, whatever the next stage does with the value.

use std::{
    pin::Pin,
    task::{Context as Task, Poll},
};

use healer::prelude::*;

#[derive(serde::Serialize)]
struct Mine;

impl Future for Mine {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

#[derive(serde::Serialize)]
struct Legs(u64);

impl Iterator for Legs {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        None
    }
}

#[checkpoint]
#[stage]
fn begun(_: String) -> Mine {
    Mine
}

#[stage]
#[checkpoint]
async fn legs(_: String) -> Result<Legs, String> {
    Ok(Legs(1))
}

#[checkpoint]
#[stage(flat)]
fn saved(order: String) -> Vec<(String, Result<u64, String>)> {
    vec![(order.clone(), Err(order))]
}

fn main() {}

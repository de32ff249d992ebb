//! Times and rates in attributes are read by the compiler.

use healer::prelude::*;

#[stage(timeout = "2x")]
async fn slow(line: String) -> String {
    line
}

#[stage(timeout = "0s")]
async fn never(line: String) -> String {
    line
}

#[stage(rate = "often", circuit_breaker(3, pause = "soon"))]
fn rated(line: String) -> String {
    line
}

#[stage(rate = "100/y")]
fn yearly(line: String) -> String {
    line
}

#[stage(retry(3, backoff = "10s..1s"))]
fn tried(line: &str) -> Result<String, String> {
    Ok(line.to_owned())
}

#[stage(batch, retry(3, backoff = "100"))]
fn saved(rows: &Batch<String>) -> Result<(), String> {
    Ok(())
}

fn main() {}

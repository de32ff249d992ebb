//! A long chain, for the compiler's time to be measured; see `docs/testing.md`.
#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_async,
    reason = "stages of all kinds are what this is about"
)]
#![allow(unexpected_cfgs, reason = "how many stages there are is said on the command line")]

use healer::prelude::*;

#[stage]
fn adds(number: u64) -> u64 {
    number + 1
}

#[stage(skip = "large")]
fn looks(number: &u64, ctx: &Context) -> Option<u64> {
    (ctx.partition() < 64).then_some(number + 1)
}

#[stage]
async fn waits(number: u64) -> Result<u64, String> {
    number.checked_add(1).ok_or_else(|| "the last number".to_owned())
}

#[stage(parallel = 8)]
async fn at_once(number: u64) -> u64 {
    number + 1
}

#[stage(flat)]
fn gives(number: u64) -> Vec<u64> {
    vec![number + 1]
}

/// One node, or ten for each arrow. Each closure is a type of its own, as in a program that somebody wrote.
macro_rules! chain {
    () => {
        pipeline! { name "chain"; kafka::json::<u64>("numbers") => adds => heal; }
    };
    ($($arrow:tt)*) => {
        pipeline! {
            name "chain";
            kafka::json::<u64>("numbers") $(
                $arrow adds => looks => map(|number| number + 1) => waits => at_once => gives
                => filter(|number| *number % 7 < 7, reason = "none") => adds => looks => map(|number| number + 1)
            )* => heal;
        }
    };
}

fn main() {
    #[cfg(not(any(stages = "50", stages = "200")))]
    let app = chain!();
    #[cfg(stages = "50")]
    let app = chain!(=> => => => =>);
    #[cfg(stages = "200")]
    let app = chain!(=> => => => => => => => => => => => => => => => => => => =>);
    println!("{}", app.describe());
}

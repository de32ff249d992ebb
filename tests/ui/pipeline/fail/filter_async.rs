//! A filter that would give a future.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "lines";
        lines = kafka::text("lines") => filter(async |line| line.len() > 2);
        lines => filter(|line| async move { true }) => heal;
        lines => try_map(async move |line| Ok::<_, String>(line)) => heal;
    };
}

//! A `Result` and an `Option` of one's own: which of their values are errors is not known.

use healer::prelude::*;

enum Result<T> {
    Good(T),
    Bad,
}

mod other {
    pub enum Result<T, E> {
        Good(T),
        Bad(E),
    }

    pub enum Option<T> {
        So(T),
        No,
    }
}

#[stage]
fn paid(order: String) -> Result<String> {
    Result::Good(order)
}

#[stage]
async fn sent(order: String) -> other::Result<String, u8> {
    other::Result::Good(order)
}

#[stage(flat)]
fn parts(order: String) -> other::Option<Vec<String>> {
    other::Option::So(vec![order])
}

fn main() {
    let _ = pipeline! { name "orders"; kafka::text("orders") => paid => sent => parts => heal; };
}

//! A future beside a value: it is what it holds.

use futures_util::future::{Either, Ready, ready};
use healer::prelude::*;

#[stage]
fn begin(order: String) -> Either<Ready<String>, String> {
    if order.is_empty() { Either::Left(ready(order)) } else { Either::Right(order) }
}

fn main() {
    let _ = pipeline! { name "orders"; kafka::text("orders") => begin => heal; };
}

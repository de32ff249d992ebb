//! `#[cfg]` and `#[cfg_attr]` at parameters, as functions may have them.

use healer::prelude::*;

struct Rates;

#[stage]
fn without(order: String, #[cfg(any())] ctx: &Context) -> String {
    order
}

#[stage]
async fn with(#[cfg(not(any()))] ctx: &Context, #[cfg(any())] other: u8, order: String) -> String {
    format!("{}{order}", ctx.offset())
}

#[stage(skip = "empty")]
fn rated(
    order: &str,
    #[cfg_attr(all(), state)] rates: &Rates,
    #[cfg_attr(any(), state)] ctx: &Context,
) -> Option<String> {
    let _ = (rates, ctx);
    (!order.is_empty()).then(|| order.to_owned())
}

#[stage]
#[cfg(any())]
fn gone(order: Nothing) -> Nothing {
    order
}

pub fn main() {
    assert_eq!(without("tea".to_owned()), "tea");
    let app = pipeline! { name "orders"; kafka::text("orders") => without => with => rated => heal; };
    let app = app.with(Rates);
    assert!(app.describe().to_string().contains("rated (stage) needs"));
}

//! Values that may have failed, and get to where their records count as done.

use std::{collections::BTreeMap, iter::Map, ops::ControlFlow, vec::IntoIter};

use healer::prelude::*;

#[derive(Clone, serde::Serialize)]
struct Order;

fn save(order: String) -> Result<Order, String> {
    Err(order)
}

#[stage]
fn lines(order: String) -> Vec<Result<Order, String>> {
    vec![save(order)]
}

#[stage(flat)]
fn legs(order: String) -> Map<IntoIter<String>, fn(String) -> Result<Order, String>> {
    vec![order].into_iter().map(save)
}

#[stage(flat)]
fn named(order: String) -> BTreeMap<String, Result<Order, String>> {
    BTreeMap::from([(order.clone(), save(order))])
}

trait Parse: Send + 'static {
    type Out: Send + 'static;
    fn parse(line: String) -> Self::Out;
}

struct Strict;

impl Parse for Strict {
    type Out = Result<Order, String>;
    fn parse(line: String) -> Self::Out {
        save(line)
    }
}

#[stage]
fn one<P: Parse>(line: String) -> P::Out {
    P::parse(line)
}

#[stage(batch)]
fn each<P: Parse>(rows: BatchMut<'_, String>) -> BatchMut<'_, P::Out> {
    rows.map(P::parse)
}

fn main() {
    let _ = pipeline! { name "closure"; kafka::text("orders") => map(save) => filter(|o| o.is_ok()) => heal; };
    let _ = pipeline! { name "option"; kafka::text("orders") => map(|o| Some(save(o))) => heal; };
    let _ = pipeline! { name "several"; kafka::text("orders") => lines => kafka::to_json("lines") => heal; };
    let _ = pipeline! { name "flow"; kafka::text("orders") => map(|_| ControlFlow::<String, Order>::Continue(Order)) => heal; };
    let _ = pipeline! { name "flat"; kafka::text("orders") => legs => heal; };
    let _ = pipeline! { name "pairs"; kafka::text("orders") => named => heal; };
    let _ = pipeline! { name "generic"; kafka::text("orders") => one::<Strict> => heal; };
    let _ = pipeline! { name "batch"; kafka::text("orders") => batch(3) => each::<Strict> => heal; };
    let _ = pipeline! { name "ways"; saved = kafka::text("orders") => map(save); saved => heal; saved => kafka::to_json("saved") => heal; };
    let _ = pipeline! { name "kept"; kafka::text("orders") => map(save) => checkpoint => map(|saved| saved.is_ok()) => heal; };
    let _ = pipeline! {
        name "union";
        east = kafka::text("east") => map(save);
        west = kafka::text("west") => map(save);
        all = union(east, west);
        all => heal;
    };
}

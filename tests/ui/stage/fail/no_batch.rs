//! `#[stage(batch)]` over single values.

use healer::prelude::*;

struct Order;

#[stage(batch)]
fn read(order: &Order) {}

#[stage(batch)]
fn transformed(order: Order) -> Order {
    order
}

#[stage(batch)]
fn list(orders: Vec<String>) {}

fn main() {}

use healer::prelude::*;

#[derive(Clone)]
struct Order;

#[stage(report)]
fn charge(_order: &Order) -> Result<u64, String> {
    Ok(1)
}

#[stage(batch, report)]
fn save(_orders: &Batch<Order>) -> Result<(), String> {
    Ok(())
}

fn main() {}

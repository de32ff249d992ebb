use healer::prelude::*;

#[derive(serde::Serialize)]
struct Order;

#[stage(report)]
async fn charge(_order: Order) -> Result<u64, String> {
    Ok(1)
}

#[stage(batch, report = all)]
fn save(_orders: &Rows<Order>) -> Result<(), String> {
    Ok(())
}

fn main() {}

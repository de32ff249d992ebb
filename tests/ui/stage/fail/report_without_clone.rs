use healer::prelude::*;

#[derive(serde::Serialize)]
struct Order;

#[stage(report)]
async fn charge(_order: Order) -> Result<u64, String> {
    Ok(1)
}

#[stage(batch, report = all)]
fn save(orders: BatchMut<'_, Order>) -> BatchMut<'_, Order> {
    orders
}

fn main() {}

use healer::prelude::*;

#[stage]
async fn heal(order: String) -> Result<String, String> {
    Err(order)
}

#[stage]
fn r#checkpoint(order: String) -> String {
    order
}

fn main() {
    let _ = pipeline! { name "orders"; kafka::text("orders") => heal; };
}

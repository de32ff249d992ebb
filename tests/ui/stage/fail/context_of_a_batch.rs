use healer::prelude::*;

#[stage(batch)]
fn save(rows: &Batch<String>, ctx: &Context) -> Result<(), String> {
    let _ = (rows, ctx);
    Ok(())
}

fn main() {}

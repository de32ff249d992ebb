use healer::prelude::*;

fn forge<'b>() -> Batch<'b, String> {
    Batch { rows: Vec::new(), skipped: Vec::new() }
}

fn main() {
    drop(forge());
}

use healer::prelude::*;

fn forge<'b>() -> BatchMut<'b, String> {
    BatchMut { rows: Vec::new(), skipped: Vec::new() }
}

fn main() {
    drop(forge());
}

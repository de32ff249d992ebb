use healer::prelude::*;

fn main() {
    let _rows = Batch::<u32> { batch: None, list: Vec::new() };
}

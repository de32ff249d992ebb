use healer::prelude::*;

fn main() {
    let _rows = Rows::<u32> { batch: None, list: Vec::new() };
}

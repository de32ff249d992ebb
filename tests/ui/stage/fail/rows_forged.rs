use healer::prelude::*;

fn main() {
    let _rows = Rows::<u32> { list: Vec::new() };
}

use healer::prelude::*;

fn main() {
    let _ctx = Context { offset: 7, ..Default::default() };
}

//! A stage is a free function: no `impl` and no `trait` can hold its node.

use healer::prelude::*;

struct Orders;

impl Orders {
    #[stage]
    fn paid(order: String) -> String {
        order
    }

    #[stage(batch)]
    pub fn saved(rows: &Batch<String>) {
        let _ = rows;
    }
}

trait Sends {
    #[stage]
    async fn sent(order: String) -> String {
        order
    }
}

fn main() {}

use healer::prelude::*;

mod east {
    #[healer::stage]
    pub fn paid(order: String) -> String {
        order
    }
}

mod west {
    #[healer::stage]
    pub fn paid(order: String) -> Result<String, String> {
        Err(order)
    }
}

use east::*;
use west::*;

fn main() {
    let _ = pipeline! { name "orders"; kafka::text("orders") => paid => heal; };
}

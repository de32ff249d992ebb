//! A function without `#[stage]`.

use healer::prelude::*;

fn clean(line: String) -> String {
    line
}

mod others {
    pub async fn sent(line: String) -> Result<String, String> {
        Ok(line)
    }
}

fn main() {
    let _ = pipeline! {
        name "lines";
        kafka::string("lines") => clean => map(|line| line.len()) => heal;
        kafka::string("more") => others::sent => heal;
    };
}

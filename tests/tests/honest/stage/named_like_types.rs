//! Stages that are called as types and modules are: their nodes have a name of their own, `u64_stage`.

use healer::prelude::*;

#[stage]
fn u64(text: String) -> u64 {
    text.len() as u64
}

#[stage]
fn str(number: u64) -> String {
    number.to_string()
}

#[stage]
fn bool<T: ToString>(value: T) -> bool {
    value.to_string() == "true"
}

#[stage]
fn kafka(value: bool) -> bool {
    value
}

mod letters {
    use healer::prelude::*;

    #[stage(parallel = 2)]
    pub async fn char(value: bool) -> char {
        if value { 't' } else { 'f' }
    }
}

pub fn main() {
    use letters::*;
    let by_hand = kafka::text("texts").stream("by hand").then(u64_stage::stage()).heal();
    let app = pipeline! {
        name "texts";
        kafka::text("texts") => u64 => str => bool::<String> => kafka => letters::char => heal;
        kafka::text("others") => u64 => bool => char as "letter" => heal;
    };
    let text = app.chain(by_hand).describe().to_string();
    assert!(text.contains("u64 (stage)") && text.contains("kafka (stage)"), "{text}");
}

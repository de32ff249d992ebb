use healer::prelude::*;

fn forge(json: &str) -> Result<BatchMut<'_, String>, serde_json::Error> {
    serde_json::from_str(json)
}

fn main() {
    drop(forge("[]"));
}

use healer::prelude::*;

#[stage(on_error = dead_letter("dead", quarantine = key))]
async fn one_by_one(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(parallel = 4, order = none, on_error = dead_letter("dead", quarantine = key))]
async fn in_no_order(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(parallel = 4, on_error = dead_letter("dead", quarantine = partition))]
async fn of_what(line: String) -> Result<String, String> {
    Ok(line)
}

fn main() {}

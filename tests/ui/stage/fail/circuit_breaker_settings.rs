use healer::prelude::*;

#[stage(circuit_breaker)]
async fn nothing(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(circuit_breaker(0))]
async fn never(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(circuit_breaker(5, wait = "1s"))]
async fn unknown(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(circuit_breaker(5, pause = 10))]
async fn number(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(rate = 100)]
async fn no_text(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(flat, rate = "1/s")]
fn many(line: String) -> Vec<String> {
    vec![line]
}

#[stage(report = "failures")]
async fn unknown_word(line: String) -> Result<String, String> {
    Ok(line)
}

fn main() {}

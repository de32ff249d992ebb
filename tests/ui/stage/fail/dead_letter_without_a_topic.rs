use healer::prelude::*;

#[stage(on_error = dead_letter(""))]
fn empty(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(on_error = dead_letter(7))]
fn number(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(on_error = dead_letter(quarantine = topic))]
fn no_quarantine(line: String) -> Result<String, String> {
    Ok(line)
}

fn main() {}

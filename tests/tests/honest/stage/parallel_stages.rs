//! Several calls at once: of async functions and of those that block.

use healer::prelude::*;

const MOST: usize = 8;

#[stage(parallel = MOST)]
async fn by_key(line: String) -> String {
    line
}

#[stage(parallel = 2 * MOST, order = key, keyless = none)]
#[checkpoint]
async fn by_key_if_any(line: String, ctx: &Context) -> Result<Option<String>, String> {
    Ok((ctx.offset() > 0).then_some(line))
}

#[stage(parallel = 16, order = partition, skip = "odd")]
async fn in_order<T: Send + 'static>(value: T) -> Option<T> {
    Some(value)
}

#[stage(parallel = 4, order = none)]
fn with_threads(line: String, #[state] suffix: &String) -> String {
    line + suffix
}

/// A key may borrow from the value, and be more than one thing.
mod keys {
    pub fn first(line: &str) -> (Option<char>, &str) {
        (line.chars().next(), line)
    }

    pub fn of_any<T: std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }
}

#[stage(parallel = MOST, order = key(keys::first), on_error = dead_letter("dead", quarantine = key), report)]
async fn by_a_key_of_its_own(line: String) -> Result<String, String> {
    Ok(line)
}

#[stage(parallel = auto, order = key(self::keys::of_any), retry(3))]
fn by_a_key_of_any<T: Clone + std::fmt::Debug + Send + Sync + 'static>(value: &T) -> T {
    value.clone()
}

#[stage(blocking)]
fn with_a_thread(line: &str) -> usize {
    line.len()
}

pub fn main() {
    let app = pipeline! {
        name "parallel";
        kafka::text("t") => by_key => by_key_if_any => in_order::<String>
            => by_a_key_of_its_own => by_a_key_of_any::<String> => with_threads => with_a_thread => heal;
    };
    drop(app.with(String::new()));
}

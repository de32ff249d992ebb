//! Where the library is imported under another name.
#![allow(clippy::pedantic)] // code as users write it

extern crate healer as h;

mod app {
    use crate::h::{self, prelude::*};

    #[checkpoint]
    #[stage(crate = h)]
    pub fn shout(line: String, ctx: &Context) -> Result<String, String> {
        Ok(format!("{} {}", ctx.offset(), line.to_uppercase()))
    }

    #[stage(flat, crate = crate::h)]
    pub async fn words(line: &str) -> Vec<Result<String, std::io::Error>> {
        line.split(' ').map(|word| Ok(word.to_owned())).collect()
    }

    #[stage(batch, crate = h)]
    pub fn count<'b>(rows: BatchMut<'b, String>, #[state] _unused: &u8) -> BatchMut<'b, usize> {
        rows.map(|row| row.len())
    }
}

fn main() {
    let lines = h::kafka::text("lines").stream("lines");
    let words = lines.then(app::shout::stage()).then(app::words::stage()).batch(3);
    let _app = h::App::new("lines").chain(words.then(app::count::stage()).heal()).with(1_u8);
}

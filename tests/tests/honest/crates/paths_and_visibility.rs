#![deny(missing_docs, unreachable_pub, private_interfaces, warnings)]
//! Stages as a library has them.
#![allow(clippy::pedantic)] // code as users write it

use healer::prelude::*;

/// Stages.
pub mod stages {
    use healer::stage;

    /// Makes it loud.
    #[stage]
    pub fn shout(line: String) -> String {
        line.to_uppercase()
    }

    #[stage]
    pub(crate) fn quiet(line: String) -> String {
        line.to_lowercase()
    }

    #[stage]
    pub(super) fn r#match(line: String) -> String {
        line
    }
}

use stages::quiet as silent;
pub use stages::shout;

fn main() {
    let lines = kafka::text("lines").stream("lines");
    let lines = lines.then(shout::stage()).then(crate::stages::quiet::stage()).named("q");
    let _app = App::new("lines").chain(lines.then(silent::stage()).then(stages::r#match::stage()).heal());
    assert_eq!(silent("A".to_owned()), "a");
}

//! Chains of 200 nodes: they build in debug as they are written, and give the right results.
#![allow(clippy::pedantic)] // code as users write it

mod by_hand;
mod cuts;
mod fan_outs;
mod functions;
mod kinds;
mod stack;

use healer::App;
use healer::testing::{InMemory, TestRecord};

/// Gives 200 arrows, twenty times ten, to a macro that puts a node behind each.
#[macro_export]
macro_rules! two_hundred {
    ($then:ident! { $($args:tt)* }) => {
        $then! {
            $($args)*
            [=> => => => => => => => => =>] [=> => => => => => => => => =>] [=> => => => => => => => => =>]
            [=> => => => => => => => => =>] [=> => => => => => => => => =>] [=> => => => => => => => => =>]
            [=> => => => => => => => => =>] [=> => => => => => => => => =>] [=> => => => => => => => => =>]
            [=> => => => => => => => => =>] [=> => => => => => => => => =>] [=> => => => => => => => => =>]
            [=> => => => => => => => => =>] [=> => => => => => => => => =>] [=> => => => => => => => => =>]
            [=> => => => => => => => => =>] [=> => => => => => => => => =>] [=> => => => => => => => => =>]
            [=> => => => => => => => => =>] [=> => => => => => => => => =>]
        }
    };
}

/// Runs a pipeline over the numbers 0 to 39 in four partitions; all must be healed.
fn heals_all(app: App) {
    let numbers = (0..40).map(|number| TestRecord::new().value(number.to_string()));
    let report = InMemory::new("numbers", 4, numbers).run_once(app).unwrap();
    assert_eq!((report.records, report.healed), (40, 40));
}

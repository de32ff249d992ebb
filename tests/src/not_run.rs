//! A test that cannot run here says so where it is seen, never by passing in silence.

use std::fmt::Display;
use std::io::Write as _;

/// Says on standard error that the current test is not run, and why.
///
/// It writes past the capture of the test runner, which shows the output of a passing test to nobody.
pub fn report_not_run(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "not run: {test}: {why}");
}

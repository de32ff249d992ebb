//! Programs that must not compile, with the errors that their authors read. Those that must compile are in `honest`.

#[test]
fn programs_that_would_leak_an_offset_do_not_compile() {
    trybuild::TestCases::new().compile_fail("*/fail/*.rs");
}

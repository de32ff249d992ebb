//! Programs that must not compile, with what their authors get to read. Those that must are in `honest`.

#[test]
fn programs_that_would_leak_an_offset_do_not_compile() {
    trybuild::TestCases::new().compile_fail("ui/*/fail/*.rs");
}

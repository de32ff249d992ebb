//! Programs that must not compile, with what their authors get to read, and honest ones that must.

#[test]
fn programs_that_would_leak_an_offset_do_not_compile() {
    trybuild::TestCases::new().compile_fail("ui/*/fail/*.rs");
}

#[test]
fn honest_programs_compile() {
    trybuild::TestCases::new().pass("ui/*/pass/*.rs");
}

//! Sinks whose records would come in again are refused, before anything is sent; those whose records go elsewhere are not.

use healer::{Error, prelude::*};

#[stage]
fn pass(line: String) -> String {
    line
}

/// The faults that `build` finds.
fn faults(app: App) -> Vec<String> {
    let config = Config::builder().brokers("localhost:1").build().unwrap();
    match app.build(&config) {
        Ok(_) => Vec::new(),
        Err(Error::Build(error)) => error.faults,
        Err(other) => panic!("{other}"),
    }
}

/// Refused once, in words that name the sink, the topic and the source.
fn refused(app: App, words: &[&str]) {
    let faults = faults(app);
    let [fault] = faults.as_slice() else { panic!("one fault: {faults:?}") };
    for word in words.iter().chain(&["again and again", "another topic"]) {
        assert!(fault.contains(word), "{word}: {fault}");
    }
}

#[test]
fn a_sink_into_the_topic_that_its_own_chain_reads_is_refused() {
    refused(
        pipeline! { name "loop"; lines = kafka::text("in"); lines => pass => kafka::to_text("in") => heal; },
        &["`lines.pass.in`", "`in`", "`lines`"],
    );
    refused(
        pipeline! { name "loop"; lines = kafka::text(["other", "in"]); lines => kafka::to_text("in") => heal; },
        &["`in`", "`lines`"],
    );
}

#[test]
fn so_is_one_that_the_pattern_of_its_source_takes() {
    refused(
        pipeline! { name "loop"; lines = kafka::text("^flights-.*"); lines => kafka::to_text("flights-late") => heal; },
        &["`flights-late`", "`lines`"],
    );
    let beside = pipeline! { name "none"; lines = kafka::text("^flights-.*"); lines => kafka::to_text("late-flights") => heal; };
    assert_eq!(faults(beside), [""; 0]);
}

#[test]
fn so_is_one_behind_a_branch_or_a_union() {
    refused(
        pipeline! {
            name "loop";
            lines = kafka::text("in");
            lines => kafka::to_text("out") => heal;
            lines => filter(|line: &String| line.is_empty(), reason = "full") => kafka::to_text("in") => heal;
        },
        &["`in`", "`lines`"],
    );
    refused(
        pipeline! {
            name "loop";
            a = kafka::text("a");
            b = kafka::text("b");
            both = union(a, b);
            both => pass => kafka::to_text("b") => heal;
        },
        &["`b`"],
    );
}

#[test]
fn so_are_two_chains_that_feed_each_other() {
    let app = pipeline! {
        name "loop";
        a = kafka::text("a");
        a => kafka::to_text("b") => heal;
        b = kafka::text("b");
        b => kafka::to_text("a") => heal;
    };
    let faults = faults(app);
    assert_eq!(faults.len(), 2, "each sink is named: {faults:?}");
}

#[test]
fn a_chain_that_feeds_another_one_of_the_same_pipeline_is_right() {
    let app = pipeline! {
        name "steps";
        a = kafka::text("a");
        a => kafka::to_text("b") => heal;
        b = kafka::text("b");
        b => pass => kafka::to_text("c") => heal;
    };
    assert_eq!(faults(app), [""; 0]);
}

#[test]
fn dead_letters_into_a_topic_that_is_read_are_refused_by_name_and_by_pattern() {
    for topics in ["in", "^i.*"] {
        let source = kafka::text(topics).on_error(OnError::dead_letter("in"));
        let app = App::new("loop").chain(source.stream("lines").map(|line: String| line).heal());
        refused(app, &["`in`", "`lines`"]);
        let source = kafka::text(topics);
        let app = App::new("loop").chain(source.stream("lines").map(|line: String| line).heal());
        refused(app.on_error(OnError::dead_letter("in")), &["`in`", "`lines`"]);
    }
}

use proc_macro2::TokenStream;
use quote::quote;

use crate::pipeline::{check, fault::Faults, parse};

/// The faults of a pipeline, the first line of each.
fn said(input: TokenStream) -> Vec<String> {
    let mut faults = Faults::default();
    let pipeline = parse::pipeline(input, &mut faults);
    check::check(&pipeline, &mut faults);
    let first = |message: String| message.lines().next().unwrap_or_default().to_owned();
    faults.messages().into_iter().map(first).collect()
}

fn only(input: TokenStream, message: &str) {
    assert_eq!(said(input), [message]);
}

#[test]
fn nothing_is_said_about_a_whole_pipeline_nor_about_a_chain_with_a_name() {
    let whole = quote! {
        name "flights";
        a = kafka::json::<Flight>("a") => validate;
        b = kafka::json::<Flight>("b");
        a => heal;
        c = union(a, b) => heal;
        d = a => heal;
    };
    assert!(said(whole).is_empty());
}

#[test]
fn a_stream_must_reach_heal() {
    only(
        quote! { name "x"; a = source(); b = a => late; a => heal; },
        "`b` never reaches `heal`: the offsets of its records would never be committed",
    );
    only(
        quote! { name "x"; source() => late; },
        "this line ends without `heal`: the offsets of its records would never be committed",
    );
    only(
        quote! { name "x"; a = source() => heal; a => late => heal; },
        "`a` ends in `heal`: nothing of it flows on",
    );
    only(
        quote! { name "x"; source() => heal => late; },
        "this node stands after `heal`: the offsets are settled there and no record flows on",
    );
}

#[test]
fn a_name_is_bound_once() {
    only(
        quote! { name "x"; a = source(); a = source(); a => heal; },
        "`a` is bound a second time: it would be unclear which records a use of it means",
    );
    only(quote! { name "x"; union = source(); union => heal; }, "`union` is a word of the pipeline's own");
}

#[test]
fn only_the_open_end_of_a_chain_is_named() {
    only(
        quote! { name "x"; a = source(); b = a => late; c = b => late; },
        "`c` never reaches `heal`: the offsets of its records would never be committed",
    );
}

#[test]
fn a_mistyped_name_is_one_fault() {
    only(quote! { name "x"; flights = source(); flihgts => heal; }, "no stream is called `flihgts`");
    only(
        quote! { name "x"; east = source(); west = source(); union(east, wets) => heal; },
        "no stream is called `wets`",
    );
}

#[test]
fn circles_are_told_from_wrong_order() {
    only(
        quote! { name "x"; b = a => late; a = b => late; a => heal; },
        "`a` flows into itself through the lines below: its records would never be done",
    );
    only(quote! { name "x"; b = a => late; a = source(); b => heal; }, "`a` is used before it is bound");
    only(
        quote! { name "x"; a = a => late; a => heal; },
        "`a` flows into itself: its records would never be done",
    );
}

#[test]
fn what_a_broken_line_may_have_meant_is_not_guessed_at() {
    only(quote! { name "x"; a = source(); b = source() a => heal; b => heal; }, "`a` can't stand here");
    only(quote! { name "x"; a = source(); a -> late -> heal; }, "nodes are joined by `=>`, not by `->`");
    only(
        quote! { name "x"; a = source() => heal b = source(); a => late => heal; b => heal; },
        "nothing may follow `heal`: the offsets are settled there",
    );
}

#[test]
fn labels_are_taken_apart() {
    only(quote! { name "x"; source() => late as "a" as "b" => heal; }, "this node is named twice");
    only(quote! { name "x"; source() => late as => heal; }, "a name is missing after `as`");
    only(quote! { name "x"; source() => late checkpoint as "b" => heal; }, "`as` stands before `checkpoint`");
    only(
        quote! { name "x"; source() => late checkpoint checkpoint => heal; },
        "`checkpoint` stands here twice",
    );
    only(quote! { name "x"; source() => checkpoint checkpoint => heal; }, "`checkpoint` stands here twice");
    only(quote! { name "x"; source() => as "b" => heal; }, "a node is missing before this");
    only(
        quote! { name "x"; source() => heal as "end"; },
        "nothing may follow `heal`: the offsets are settled there",
    );
    only(quote! { name "x"; source() => heal(); }, "`heal` takes no arguments");
    only(quote! { name "x"; source() => checkpoint("b") => heal; }, "`checkpoint` takes no arguments");
}

#[test]
fn arguments_are_checked_against_their_word() {
    only(quote! { name "x"; source() => batch(within = "1s") => heal; }, "`batch` takes a number of rows");
    only(
        quote! { name "x"; source() => batch(within = "1s", 5) => heal; },
        "this value stands after `within = …`",
    );
    only(
        quote! { name "x"; source() => filter(|x| x == y, raeson = "z") => heal; },
        "`filter` has no setting `raeson`",
    );
    only(quote! { name "x"; source() => late.with(3) => heal; }, "a setting is written `key = value`");
    assert_eq!(
        said(quote! { name "x"; source() => late.with(retry = 1, retry = 2) => heal; }),
        ["`retry` belongs to the stage"]
    );
    only(quote! { name "x"; source() => zip(a) => heal; }, "`zip` is not built yet");
    only(quote! { name "x"; zip(a, b) => heal; }, "`zip` is not built yet");
}

#[test]
fn options_stand_first() {
    only(
        quote! { name "x"; crate a::b; source() => heal; },
        "the path of the library stands once, before the name",
    );
    only(quote! { crate "b"; name "x"; source() => heal; }, "after `crate` stands the path of the library");
    only(quote! { name; source() => heal; }, "a name is missing after `name`");
    only(quote! {}, "the pipeline is empty: no offset would ever be committed");
    assert!(said(quote! { name "x"; crate::sources::all() => heal; }).is_empty());
}

#[test]
fn a_wrong_pipeline_still_has_the_type_of_an_app() {
    let expanded = crate::pipeline::expand(quote! { crate a::b; name "x"; source() => late; }).to_string();
    assert!(expanded.starts_with("{ :: core :: compile_error"), "{expanded}");
    assert!(expanded.ends_with("a :: b :: App :: new (\"\") }"), "{expanded}");
}

//! The expansion of stages, as tokens.

mod faults;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, File, Item, ItemImpl, Meta};

use super::expand;

#[allow(clippy::needless_pass_by_value, reason = "tokens are written where they are given")]
fn written(attribute: TokenStream, item: TokenStream) -> File {
    let mut file: File = syn::parse2(expand(&attribute, item)).expect("the macro writes items");
    // The items that go with the node stand in an attribute of it.
    for at in 0..file.items.len() {
        let Item::Struct(node) = &mut file.items[at] else { continue };
        let beside = |attribute: &Attribute| {
            attribute.path().segments.last().is_some_and(|last| last.ident == "beside")
        };
        let Some(nth) = node.attrs.iter().position(beside) else { continue };
        let Meta::List(items) = node.attrs.remove(nth).meta else { continue };
        let items: File = syn::parse2(items.tokens).expect("items go with a node");
        let after = file.items.split_off(at + 1);
        file.items.extend(items.items.into_iter().chain(after));
    }
    file
}

fn printed(attribute: TokenStream, item: TokenStream) -> String {
    prettyplease::unparse(&written(attribute, item))
}

/// The impl of a trait, printed.
fn of_trait(file: &File, name: &str) -> String {
    let is_it = |item: &ItemImpl| {
        let last = item
            .trait_
            .as_ref()
            .and_then(|(path, _)| path.segments.last().map(|last| last.ident.to_string()));
        last.is_some_and(|last| last == name)
    };
    let found = file.items.iter().find_map(|item| match item {
        Item::Impl(item) if is_it(item) => Some(item.clone()),
        _ => None,
    });
    let item = found.unwrap_or_else(|| panic!("no impl of {name}"));
    let text = prettyplease::unparse(&File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![Item::Impl(item)],
    });
    as_written(&text)
}

/// Types without the text that stands around them for the lifetimes that they may leave out.
fn as_written(text: &str) -> String {
    text.replace("<fn(&'static ()) -> ", "").replace(" as ::healer::__private::Gives>::Out", "")
}

#[test]
fn the_function_stays_as_it_was() {
    let item = quote! {
        /// Docs.
        #[inline]
        pub(crate) async fn enrich<'a, T: Clone>(value: &'a T, ctx: &'a Context) -> Result<T, String>
        where
            T: PartialEq,
        {
            body(value, ctx).await
        }
    };
    let mut file = written(TokenStream::new(), item.clone());
    file.items.truncate(1);
    let alone: File = syn::parse2(item).unwrap();
    assert_eq!(prettyplease::unparse(&file), prettyplease::unparse(&alone));
}

#[test]
fn clippy_asks_for_no_slice_where_a_buffer_flows() {
    let text = printed(
        quote!(),
        quote!(
            fn length(value: &Vec<u8>) -> usize {}
        ),
    );
    assert!(text.starts_with("#[allow(clippy::ptr_arg)]\nfn length"), "{text}");
}

#[test]
fn a_synchronous_stage_is_written_in_full() {
    let text = printed(
        quote!(),
        quote!(
            fn validate(flight: Flight) -> Result<Flight, BadFlight> {}
        ),
    );
    let expected = r"fn validate(flight: Flight) -> Result<Flight, BadFlight> {}
#[doc(hidden)]
#[allow(non_camel_case_types, dead_code)]
struct validate {}
#[automatically_derived]
#[allow(dead_code)]
impl validate {
    ///The node of [`validate`](fn@validate), for `then`.
    #[must_use]
    fn stage() -> Self {
        Self {}
    }
}
";
    assert!(text.starts_with(expected), "{text}");
    let verdict = "let __returned = validate(__input);\n        let __result = ::healer::__private::result(__returned);\n        ::healer::__private::Verdict::of_result(__result)";
    assert!(text.contains(verdict), "{text}");
}

#[test]
fn what_flows_and_what_is_needed_is_read_from_the_signature() {
    let item = quote! {
        fn enrich(#[state] planes: &Planes, flight: &Flight, ctx: &Context, #[state] clock: &dyn Clock) -> Option<Enriched> {}
    };
    let file = written(quote!(skip = "no plane"), item);
    let header = of_trait(&file, "Stage");
    for line in [
        "type In = Flight;",
        "type Out = Enriched;",
        "type Need = (::healer::__private::Arc<Planes>, ::healer::__private::Arc<dyn Clock>);",
        "type Kind = ::healer::__private::SyncKind;",
        "const NAME: &'static str = \"enrich\";",
        "const CONTEXT: bool = true;",
        "const SKIP: &'static str = \"no plane\";",
    ] {
        assert!(header.contains(line), "{line} in {header}");
    }
    let call = of_trait(&file, "SyncStage");
    assert!(call.contains("enrich(&*__need.0, &__input, __context, &*__need.1)"), "{call}");
}

#[test]
fn a_skip_without_a_reason_has_the_stage_s_name() {
    let file = written(
        quote!(),
        quote!(
            fn r#match(value: T) -> anyhow::Result<Option<T>> {}
        ),
    );
    let header = of_trait(&file, "Stage");
    assert!(header.contains("SKIP: &'static str = \"match\""), "{header}");
    assert!(of_trait(&file, "SyncStage").contains("of_both"));
}

#[test]
fn the_generics_of_a_node_have_no_lifetimes() {
    let item = quote! {
        fn pass<'a, T: 'a + Clone, const N: usize>(value: &'a [T; N], #[state] s: &'a S) -> Vec<T> where 'a: 'a, T: PartialEq {}
    };
    let file = written(quote!(), item);
    let header = of_trait(&file, "Stage");
    assert!(
        header.contains("impl<T: Clone, const N: usize> ::healer::__private::Stage for pass<T, N>"),
        "{header}"
    );
    assert!(!header.contains("'a"), "{header}");
    assert!(header.contains("T: PartialEq"), "{header}");
    assert!(of_trait(&file, "SyncStage").contains("pass::<T, N>(&__input, &*__need.0)"));
}

#[test]
fn text_and_slices_are_lent_from_what_owns_them() {
    let header = of_trait(
        &written(
            quote!(),
            quote!(
                fn f(s: &str) {}
            ),
        ),
        "Stage",
    );
    assert!(header.contains("type In = ::std::string::String;"), "{header}");
    let header = of_trait(
        &written(
            quote!(),
            quote!(
                fn f(s: &[u8]) {}
            ),
        ),
        "Stage",
    );
    assert!(header.contains("type In = ::std::vec::Vec<u8>;"), "{header}");
    let header = of_trait(
        &written(
            quote!(),
            quote!(
                fn f(s: &'static str) {}
            ),
        ),
        "Stage",
    );
    assert!(header.contains("type In = &'static str;"), "{header}");
}

#[test]
fn the_items_of_a_flat_stage_are_read_from_the_syntax() {
    for (returned, out) in [
        (quote!(Vec<Leg>), "type Out = Leg;"),
        (quote!(Result<Option<Vec<Leg>>, E>), "type Out = Leg;"),
        (quote!(Vec<Result<Leg, E>>), "type Out = Leg;"),
        (quote!(impl Iterator<Item = anyhow::Result<Leg>> + use<'a>), "type Out = Leg;"),
        (quote!(Box<dyn Iterator<Item = Leg> + 'a>), "type Out = Leg;"),
        (quote!([Leg; 2]), "type Out = Leg;"),
        (quote!(Legs<'a>), "Legs<'_>"),
        (quote!(Filter<IntoIter<u64>, fn(&u64) -> bool>), "Filter<IntoIter<u64>, fn(&u64) -> bool>"),
        (quote!(Map<IntoIter<u64>, impl Fn(&u64) -> Leg>), "Map<IntoIter<u64>, fn(&u64) -> Leg>"),
        (quote!(Rev<impl DoubleEndedIterator<Item = Leg>>), "Rev<::std::vec::IntoIter<Leg>>"),
    ] {
        let file = written(quote!(flat), quote!(fn legs<'a>(flight: &'a Flight) -> #returned {}));
        let header = of_trait(&file, "Stage");
        let tight = |text: &str| text.replace([' ', '\n', ','], "");
        assert!(tight(&header).contains(&tight(out)), "{returned}: {header}");
    }
}

#[test]
fn a_batch_is_read_or_transformed() {
    let rows = written(
        quote!(batch),
        quote!(
            fn save(rows: &Batch<T>, #[state] db: &Db) -> Result<(), E> {}
        ),
    );
    let written_in_one = |file: &File| of_trait(file, "Stage").replace([' ', '\n', ','], "");
    assert!(written_in_one(&rows).contains("typeOut=::healer::Batch<T>;"));
    assert!(of_trait(&rows, "BatchStage").contains("const BLOCKING: bool = true;"));
    let batch = written(
        quote!(batch),
        quote!(
            async fn f<'b>(rows: BatchMut<'b, T>) -> BatchMut<'b, U> {}
        ),
    );
    assert!(written_in_one(&batch).contains("typeOut=::healer::Batch<U>;"));
    let call = of_trait(&batch, "BatchMutStage");
    assert!(call.contains("type RowIn = T;") && call.contains("type RowOut = U;"), "{call}");
    assert!(call.contains("const BLOCKING: bool = false;"), "{call}");
}

#[test]
fn a_checkpoint_is_taken_above_and_below() {
    let above = super::checkpoint::expand(
        quote!(),
        quote!(
            #[stage(flat)]
            fn f(v: T) -> Vec<U> {}
        ),
    );
    assert_eq!(
        above.to_string(),
        quote!(
            #[stage(flat)]
            #[checkpoint]
            fn f(v: T) -> Vec<U> {}
        )
        .to_string()
    );
    let file = written(
        quote!(flat),
        quote!(
            #[checkpoint]
            fn f(v: T) -> Vec<U> {}
        ),
    );
    let kind = "type Kind = ::healer::__private::Checkpointed<::healer::__private::FlatKind>;";
    let header = of_trait(&file, "Stage");
    assert!(header.contains(kind), "{header}");
    assert!(of_trait(&file, "CheckpointedStage").contains("encode_checkpoint"));
}

#[test]
fn plain_payloads_are_asserted_unless_they_are_generic() {
    let asserted = |item| expand(&quote!(), item).to_string().contains("PLAIN");
    assert!(asserted(quote!(
        fn f(v: T) -> Alias {}
    )));
    assert!(asserted(quote!(
        fn f(v: T) -> Result<Alias, E> {}
    )));
    assert!(!asserted(quote!(
        fn f<T>(v: T) -> Vec<T> {}
    )));
    assert!(!asserted(quote!(
        fn f(v: T) {}
    )));
}

#[test]
fn what_goes_in_is_kept_for_a_report() {
    let of_value = written(
        quote!(report),
        quote!(
            fn f(v: T) -> Result<U, E> {}
        ),
    );
    let header = of_trait(&of_value, "Stage");
    assert!(
        header.contains(
            "const REPORT: ::healer::__private::Reporting = ::healer::__private::Reporting::Errors;"
        )
    );
    assert!(header.contains("report_input"), "{header}");
    let call = of_trait(&of_value, "SyncStage");
    assert!(call.contains("copy_to_report") && call.contains("__kept.ended(&__ended);"), "{call}");
    let lent = written(
        quote!(report = all, retry(3)),
        quote!(
            async fn f(v: &T) -> Result<U, E> {}
        ),
    );
    assert!(of_trait(&lent, "Stage").contains("Reporting::All"));
    let call = of_trait(&lent, "AgainStage");
    assert!(call.contains("__kept") && call.contains("|| __input") && !call.contains("copy_to"), "{call}");
    let rows = written(
        quote!(batch, report),
        quote!(
            fn f(rows: BatchMut<'_, T>) -> BatchMut<'_, U> {}
        ),
    );
    assert!(of_trait(&rows, "Stage").contains("report_rows"));
    assert!(
        of_trait(&rows, "BatchMutStage").contains("fn copy("),
        "there is nothing to report without a copy"
    );
    let plain = written(
        quote!(),
        quote!(
            fn f(v: T) -> U {}
        ),
    );
    assert!(!of_trait(&plain, "Stage").contains("REPORT"));
}

#[test]
fn another_path_to_healer_is_used_everywhere() {
    let text = printed(
        quote!(batch, crate = my::h),
        quote!(
            #[checkpoint]
            fn f(rows: BatchMut<'_, T>) -> BatchMut<'_, U> {}
        ),
    );
    assert!(!text.contains("::healer"), "{text}");
    let text = printed(
        quote!(crate = h),
        quote!(
            #[checkpoint]
            async fn f(v: &str, #[state] s: &S) -> Result<U, E> {}
        ),
    );
    assert!(text.contains("h::__private") && !text.contains("::healer"), "{text}");
}

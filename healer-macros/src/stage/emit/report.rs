//! Reports of a stage's calls: the input of each call that failed, or of all calls.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};

use super::{call::Names, local};
use crate::{
    here::here,
    stage::{
        Stage,
        parse::{InputKind, Report},
    },
};

/// Which calls are reported, and the method that writes their input.
pub(super) fn header(stage: &Stage, root: &TokenStream) -> Option<TokenStream> {
    let (key, which) = stage.settings.report.as_ref()?;
    let which = format_ident!("{}", if matches!(which, Report::All) { "All" } else { "Errors" });
    let (here, value, into) = (here(root, key.span()), local("value"), local("into"));
    let write = match stage.input.kind {
        InputKind::Batch | InputKind::BatchMut => format_ident!("report_rows"),
        _ => format_ident!("report_input"),
    };
    Some(quote! {
        const REPORT: #root::__private::Reporting = #root::__private::Reporting::#which;
        fn report_json(#value: &Self::In, #into: &mut ::std::vec::Vec<u8>) -> bool {
            #root::__private::#write(#here, #value, #into)
        }
    })
}

/// Keeps the input of a call until the call has ended. `input` is lent, or it is the call's own and a copy is kept.
pub(super) fn kept(stage: &Stage, names: &Names, root: &TokenStream, is_lent: bool) -> Option<TokenStream> {
    let (key, _) = stage.settings.report.as_ref()?;
    let Names { input, context, .. } = names;
    let kept = local("kept");
    let value = match stage.input.kind {
        _ if is_lent => quote!(#input),
        InputKind::Lent => quote!(&#input),
        _ => {
            let here = here(root, key.span());
            quote_spanned!(key.span()=> #root::__private::copy_to_report(#here, &#input))
        }
    };
    Some(quote!(let mut #kept = #root::__private::Kept::<Self, _>::new(#context, || #value);))
}

/// Tells the kept input how the call ended.
pub(super) fn ended(stage: &Stage, verdict: &TokenStream) -> TokenStream {
    // The rows of a batch that failed are the node's.
    if stage.settings.report.is_none() || matches!(stage.input.kind, InputKind::Batch | InputKind::BatchMut) {
        return verdict.clone();
    }
    let (kept, ended) = (local("kept"), local("ended"));
    quote! {
        let #ended = #verdict;
        #kept.ended(&#ended);
        #ended
    }
}

//! The lines that are no streams: `crate path;` and `name "…";`.

use proc_macro2::TokenTree;

use super::{
    cut::{is_punct, is_word, pieces, stream},
    value,
};
use crate::pipeline::{fault::Faults, model::Pipeline};

const NAME: &str = "write `name \"flights\";` as the first line: the name is the consumer group's, where none is set, and the store's";

/// Takes a line that is an option.
pub(super) fn take(tokens: &[TokenTree], pipeline: &mut Pipeline, faults: &mut Faults) -> bool {
    if is_word(&tokens[0], "crate") && pieces(tokens.to_vec()).len() == 1 {
        library(tokens, pipeline, faults);
        return true;
    }
    if is_word(&tokens[0], "name") {
        name(tokens, pipeline, faults);
        return true;
    }
    false
}

fn library(tokens: &[TokenTree], pipeline: &mut Pipeline, faults: &mut Faults) {
    if pipeline.library.is_some() || pipeline.name.is_some() || !pipeline.statements.is_empty() {
        faults.at(
            &tokens[0],
            "the path of the library stands once, before the name",
            "write `crate my_healer;` as the first line",
        );
        return;
    }
    match syn::parse2(stream(&tokens[1..])) {
        Ok(path) => pipeline.library = Some(path),
        Err(_) => faults.at(
            stream(tokens),
            "after `crate` stands the path of the library",
            "write `crate my_healer;`, or leave it out where the library is called `healer`",
        ),
    }
}

fn name(tokens: &[TokenTree], pipeline: &mut Pipeline, faults: &mut Faults) {
    let word = &tokens[0];
    let mut rest = &tokens[1..];
    if pipeline.name.is_some() {
        faults.at(word, "the pipeline has a name already", "keep one `name`");
        return;
    }
    if !pipeline.statements.is_empty() {
        faults.at(word, "the name comes before all streams", NAME);
    }
    if let [equals, value @ ..] = rest
        && is_punct(equals, '=')
    {
        let about = "a pipeline's name is written without `=`, and no stream can be called `name`";
        faults.at(equals, about, "write `name \"flights\";`");
        rest = value;
    } else if rest.is_empty() {
        faults.at(word, "a name is missing after `name`", NAME);
    }
    pipeline.name = Some(value(rest).unwrap_or_else(|error| {
        if !rest.is_empty() {
            faults.add(error);
        }
        syn::parse_quote!("")
    }));
}

/// Notes a fault if the name or all statements are missing.
pub(super) fn check(pipeline: &Pipeline, faults: &mut Faults) {
    match (&pipeline.name, pipeline.statements.first()) {
        (None, Some(first)) => {
            faults.at(first.tokens.clone().into_iter().next(), "the pipeline has no name", NAME);
        }
        (None, None) => faults.add(syn::Error::new(
            proc_macro2::Span::call_site(),
            "the pipeline is empty: no offset would ever be committed\n  help: write `name \"flights\";` and a line such as \
             `kafka::json::<Flight>(\"flights\") => validate => heal;`",
        )),
        (Some(name), None) if faults.is_empty() => faults.at(
            name,
            "this pipeline has no stream: no offset would ever be committed",
            "add a line such as `kafka::json::<Flight>(\"flights\") => validate => heal;`",
        ),
        _ => {}
    }
}

//! `as "name"` and `checkpoint` after a node.

use proc_macro2::TokenTree;
use syn::Result;

use super::{
    cut::{is_punct, is_word},
    value,
};
use crate::pipeline::{fault::fault, model::Label};

/// Takes the label off the end of a node's tokens.
pub(super) fn take(tokens: &mut Vec<TokenTree>) -> Result<Label> {
    let mut label = Label::default();
    if ends_in_word(tokens, "checkpoint") {
        if let Some(TokenTree::Ident(word)) = tokens.pop() {
            label.checkpoint = Some(word);
        }
        if ends_in_word(tokens, "checkpoint") {
            return Err(fault(
                tokens.last(),
                "`checkpoint` stands here twice",
                "one is enough: the second would keep the same value",
            ));
        }
    }
    let Some(at) = tokens.iter().position(|token| is_word(token, "as")) else {
        return Ok(label);
    };
    let mut name = tokens.split_off(at);
    let word = name.remove(0);
    if let Some(second) = name.iter().find(|token| is_word(token, "as")) {
        return Err(fault(second, "this node is named twice", "keep one `as \"name\"`"));
    }
    if name.is_empty() {
        return Err(fault(
            word,
            "a name is missing after `as`",
            "write it as a string: `as \"late flights\"`",
        ));
    }
    if tokens.len() > 1 && ends_in_word(tokens, "checkpoint") {
        return Err(fault(word, "`as` stands before `checkpoint`", "write `stage as \"name\" checkpoint`"));
    }
    label.name = Some(value(&name)?);
    Ok(label)
}

/// Whether a word closes a node, and is not the node itself or the end of its path.
fn ends_in_word(tokens: &[TokenTree], word: &str) -> bool {
    match tokens {
        [.., before, last] => is_word(last, word) && !is_punct(before, ':') && !is_punct(before, '.'),
        _ => false,
    }
}

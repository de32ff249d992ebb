//! Cuts tokens at `;` and `=>`, so that a fault in one place hides none in another.

use proc_macro2::{Delimiter, Punct, Spacing, TokenStream, TokenTree};

/// The tokens between two `=>`, with the arrow before them.
pub(super) struct Piece {
    pub(super) arrow: Option<[Punct; 2]>,
    pub(super) tokens: Vec<TokenTree>,
}

/// The statements, without their `;`; the flag says whether it was there.
pub(super) fn statements(input: TokenStream) -> Vec<(Vec<TokenTree>, bool)> {
    let mut done = Vec::new();
    let mut current = Vec::new();
    for token in input {
        if is_punct(&token, ';') {
            done.push((std::mem::take(&mut current), true));
        } else {
            current.push(token);
        }
    }
    if !current.is_empty() {
        done.push((current, false));
    }
    done
}

/// The pieces of a statement.
pub(super) fn pieces(tokens: Vec<TokenTree>) -> Vec<Piece> {
    let mut done = vec![Piece { arrow: None, tokens: Vec::new() }];
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let (Some(first), Some(TokenTree::Punct(second))) = (joint(&token, '='), tokens.peek())
            && second.as_char() == '>'
        {
            let arrow = Some([first.clone(), second.clone()]);
            tokens.next();
            done.push(Piece { arrow, tokens: Vec::new() });
        } else if let Some(piece) = done.last_mut() {
            piece.tokens.push(token);
        }
    }
    done
}

/// Where `->` stands among the tokens, but for that of a function's type.
pub(super) fn thin_arrow(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let is_arrow = |pair: &[TokenTree]| joint(&pair[0], '-').is_some() && is_punct(&pair[1], '>');
    let mut pairs = tokens.windows(2).enumerate();
    pairs.find(|(at, pair)| is_arrow(pair) && !of_a_type(&tokens[..*at])).map(|(_, pair)| pair)
}

/// Whether these tokens end in `fn(…)` or `FnOnce(…)`.
fn of_a_type(tokens: &[TokenTree]) -> bool {
    let is_function = |word: &TokenTree| ["fn", "Fn", "FnMut", "FnOnce"].iter().any(|of| is_word(word, of));
    matches!(tokens, [.., word, arguments] if is_function(word) && in_parentheses(arguments).is_some())
}

fn joint(token: &TokenTree, sign: char) -> Option<&Punct> {
    match token {
        TokenTree::Punct(punct) if punct.as_char() == sign && punct.spacing() == Spacing::Joint => {
            Some(punct)
        }
        _ => None,
    }
}

pub(super) fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

pub(super) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// The tokens inside, if the token is a group in parentheses.
pub(super) fn in_parentheses(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(group.stream()),
        _ => None,
    }
}

pub(super) fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().cloned().collect()
}

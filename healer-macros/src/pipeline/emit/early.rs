//! Values with `?`, `.await` and other jumps run before the pipeline is written down: branches are closures, out of which
//! nothing can jump.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::{
    Expr, Item, Macro, parse_quote,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use crate::pipeline::model::{Head, Kind, Label, Pipeline};

/// Takes them out, in the order in which they are written, and gives the `let`s that keep them.
pub(super) fn take(pipeline: &mut Pipeline) -> TokenStream {
    let mut early = TokenStream::new();
    let mut count = 0;
    each(pipeline, &mut |value| {
        let mut jumps = Jumps(false);
        jumps.visit_expr(value);
        if jumps.0 {
            let name = format_ident!("value_{count}", span = Span::mixed_site().located_at(value.span()));
            early.extend(quote!(let #name = #value;));
            *value = parse_quote!(#name);
            count += 1;
        }
    });
    early
}

/// Every value of a pipeline, as written.
fn each(pipeline: &mut Pipeline, look: &mut impl FnMut(&mut Expr)) {
    fn label(label: &mut Label, look: &mut impl FnMut(&mut Expr)) {
        label.name.iter_mut().for_each(look);
    }
    pipeline.name.iter_mut().for_each(&mut *look);
    for statement in &mut pipeline.statements {
        match &mut statement.head {
            Head::Source { value, label: about } => {
                look(value);
                label(about, look);
            }
            Head::Union { label: about, .. } => label(about, look),
            Head::Stream(_) | Head::Broken => {}
        }
        for node in &mut statement.nodes {
            match &mut node.kind {
                Kind::Value(value) => look(value),
                Kind::Method { values, settings, .. } => {
                    values.iter_mut().for_each(&mut *look);
                    settings.iter_mut().map(|(_, value)| value).for_each(&mut *look);
                }
                Kind::Stage(_) | Kind::Checkpoint(_) | Kind::Heal(_) | Kind::Broken => {}
            }
            label(&mut node.label, look);
        }
    }
}

/// Whether something jumps out of an expression.
struct Jumps(bool);

impl<'ast> Visit<'ast> for Jumps {
    fn visit_expr(&mut self, value: &'ast Expr) {
        match value {
            // A jump in there leaves only the closure or block.
            Expr::Closure(_) | Expr::Async(_) | Expr::Const(_) => {}
            Expr::Try(_)
            | Expr::Await(_)
            | Expr::Return(_)
            | Expr::Break(_)
            | Expr::Continue(_)
            | Expr::Yield(_) => self.0 = true,
            _ => visit::visit_expr(self, value),
        }
    }

    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.0 |= may_jump(call.tokens.clone());
    }
}

/// Whether a macro may jump. Its expansion is not known here; these tokens can be a jump.
fn may_jump(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => may_jump(group.stream()),
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Ident(ident) => ["await", "return", "break", "continue"].iter().any(|word| ident == word),
        TokenTree::Literal(_) => false,
    })
}

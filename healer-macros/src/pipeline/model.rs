//! A pipeline as it is written, before its meaning is checked.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, ExprPath, Ident, Path};

/// A whole `pipeline!`.
#[derive(Default)]
pub(super) struct Pipeline {
    /// The path of the library, where it is not `::healer`.
    pub(super) library: Option<Path>,
    pub(super) name: Option<Expr>,
    pub(super) statements: Vec<Statement>,
}

impl Pipeline {
    /// The path that everything of the library is written with.
    pub(super) fn krate(&self) -> TokenStream {
        self.library.as_ref().map_or_else(|| quote!(::healer), ToTokens::to_token_stream)
    }
}

/// One line up to its `;`.
pub(super) struct Statement {
    /// The name before `=`.
    pub(super) bound: Option<Ident>,
    pub(super) head: Head,
    pub(super) nodes: Vec<Node>,
    /// All of it, as written.
    pub(super) tokens: TokenStream,
    /// Whether a fault was found in it already, so that the user may have meant another end.
    pub(super) broken: bool,
}

impl Statement {
    /// Whether its last node is `heal`.
    pub(super) fn is_healed(&self) -> bool {
        self.nodes.last().is_some_and(|node| matches!(node.kind, Kind::Heal(_)))
    }

    /// The name of the whole chain, where no source or union has it already.
    pub(super) fn chain(&self) -> Option<&Ident> {
        let taken = match &self.head {
            Head::Source { label, .. } | Head::Union { label, .. } => label.name.is_none(),
            Head::Stream(_) | Head::Broken => false,
        };
        self.bound.as_ref().filter(|_| self.is_healed() && !taken)
    }
}

/// The start of a statement.
pub(super) enum Head {
    Source {
        value: Expr,
        label: Label,
    },
    Stream(Ident),
    Union {
        word: Ident,
        inputs: Vec<Ident>,
        label: Label,
    },
    /// Something that a fault has been reported for.
    Broken,
}

/// `as "name"` and `checkpoint`, which may follow a node.
#[derive(Default)]
pub(super) struct Label {
    /// After `as`.
    pub(super) name: Option<Expr>,
    /// The word.
    pub(super) checkpoint: Option<Ident>,
}

/// The node after a `=>`.
pub(super) struct Node {
    /// `#[cfg(…)]` before it.
    pub(super) attributes: TokenStream,
    pub(super) kind: Kind,
    pub(super) label: Label,
    pub(super) tokens: TokenStream,
}

impl Node {
    /// A node with nothing beside it.
    pub(super) fn of(kind: Kind, tokens: TokenStream) -> Self {
        Self { attributes: TokenStream::new(), kind, label: Label::default(), tokens }
    }
}

pub(super) enum Kind {
    /// A stage, by its path.
    Stage(ExprPath),
    /// A method of `Stream`, with its types (`::<T>`), its arguments and the setters after it.
    Method {
        word: Ident,
        types: TokenStream,
        values: Vec<Expr>,
        settings: Vec<(Ident, Expr)>,
    },
    /// An expression that gives a node.
    Value(Expr),
    Checkpoint(Ident),
    Heal(Ident),
    /// Something that a fault has been reported for.
    Broken,
}

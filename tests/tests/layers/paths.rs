//! The paths that items name, tests left out.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Field, Ident, ImplItemFn, Item, ItemMod, ItemUse, Macro, Meta, Path, UseTree,
    ext::IdentExt as _,
    visit::{self, Visit},
};

/// A name that a `use` line brings, or without one all names of a module.
pub struct Import {
    pub path: Vec<String>,
    pub name: Option<String>,
}

/// All that a `use` line brings.
pub fn imports(tree: &UseTree) -> Vec<Import> {
    let mut all = Vec::new();
    imports_below(&[], tree, &mut all);
    all
}

fn imports_below(above: &[String], tree: &UseTree, all: &mut Vec<Import>) {
    let and = |last: &Ident| [above, &[last.unraw().to_string()]].concat();
    let (last, name) = match tree {
        UseTree::Path(path) => return imports_below(&and(&path.ident), &path.tree, all),
        UseTree::Group(group) => return group.items.iter().for_each(|tree| imports_below(above, tree, all)),
        UseTree::Glob(_) => return all.push(Import { path: above.to_vec(), name: None }),
        UseTree::Name(name) => (&name.ident, &name.ident),
        UseTree::Rename(name) => (&name.ident, &name.rename),
    };
    // `a::{self}` is `a`.
    let path = if last == "self" && !above.is_empty() { above.to_vec() } else { and(last) };
    let name = if name == "self" { path.last().cloned() } else { Some(name.unraw().to_string()) };
    all.push(Import { path, name });
}

/// Whether an item is there in tests only.
pub fn is_for_tests(item: &Item) -> bool {
    attributes(item).iter().any(is_test)
}

/// Whether the item of this attribute is there in tests only.
fn is_test(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    let text = list.tokens.to_string().replace(' ', "");
    attribute.path().is_ident("cfg")
        && (["test", "doctest"].contains(&&*text)
            || text.strip_prefix("all(").is_some_and(|all| {
                all.trim_end_matches(')').split(',').any(|one| one == "test" || one == "doctest")
            }))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// All paths of an item, those in its macros and in the texts of its attributes as well.
#[derive(Default)]
pub struct Paths(pub BTreeSet<Vec<String>>);

impl Paths {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.unraw().to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.end(&mut path);
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        TokenTree::Literal(literal) => self.text(&literal.to_string()),
                        _ => {}
                    }
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.0.insert(std::mem::take(path));
        }
    }

    /// As serde's attributes name functions.
    fn text(&mut self, text: &str) {
        if let Some(path) = text.trim_matches('"').strip_prefix("crate::") {
            let path = std::iter::once("crate").chain(path.split("::")).map(str::to_owned);
            self.0.insert(path.collect());
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast Path) {
        self.0.insert(path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast Macro) {
        self.visit_path(&found.path);
        self.tokens(found.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.0.extend(imports(&item.tree).into_iter().map(|import| import.path));
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !item.attrs.iter().any(is_test) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if !field.attrs.iter().any(is_test) {
            visit::visit_field(self, field);
        }
    }
}

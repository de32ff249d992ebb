//! Which file of a crate names which other: modules, their `use` lines and every path in their items, tests left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path as FilePath, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, ItemMod, Macro, Meta, UseTree, Visibility, ext::IdentExt as _, visit::Visit};

/// A file that names an item of another, by this path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub path: String,
}

/// What a name in a module is.
#[derive(Clone, Debug)]
enum Name {
    /// An item of this file.
    Item(String),
    Module,
    /// Another path, as a `use` line has it.
    Use(Vec<String>),
}

#[derive(Default)]
struct Module {
    names: BTreeMap<String, Name>,
    globs: Vec<Vec<String>>,
    /// The paths that its items name, with the file where they stand.
    paths: BTreeSet<(String, Vec<String>)>,
}

/// All modules of a crate by their path.
#[derive(Default)]
pub struct Sources {
    root: PathBuf,
    /// How the crate names itself beside `crate`.
    own_name: String,
    modules: BTreeMap<Vec<String>, Module>,
    pub files: BTreeSet<String>,
}

impl Sources {
    /// Reads the library below `root`, from `lib.rs` on.
    pub fn read(root: &FilePath, own_name: &str) -> Self {
        let mut sources = Self { root: root.to_owned(), own_name: own_name.to_owned(), ..Self::default() };
        sources.file(&[], &root.join("lib.rs"), root);
        sources
    }

    fn file(&mut self, module: &[String], file: &FilePath, folder: &FilePath) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.strip_prefix(&self.root).expect("below the root").to_string_lossy().into_owned();
        self.files.insert(name.clone());
        self.items(module, &name, file, folder, &parsed.items);
    }

    fn items(&mut self, module: &[String], name: &str, file: &FilePath, folder: &FilePath, items: &[Item]) {
        self.modules.entry(module.to_vec()).or_default();
        for item in items.iter().filter(|item| !attributes(item).iter().any(is_for_tests)) {
            match item {
                Item::Use(item) => {
                    let facade = !matches!(item.vis, Visibility::Inherited);
                    self.imports(module, name, &mut Vec::new(), &item.tree, facade);
                }
                Item::Mod(item) => self.submodule(module, name, file, folder, item),
                _ => {
                    let here = self.modules.get_mut(module).expect("entered above");
                    if let Some(defined) = name_of(item) {
                        here.names.insert(defined, Name::Item(name.to_owned()));
                    }
                    let mut paths = Paths::default();
                    paths.visit_item(item);
                    here.paths.extend(paths.0.into_iter().map(|path| (name.to_owned(), path)));
                }
            }
        }
    }

    fn submodule(&mut self, module: &[String], name: &str, file: &FilePath, folder: &FilePath, item: &ItemMod) {
        let ident = item.ident.unraw().to_string();
        let path = [module, std::slice::from_ref(&ident)].concat();
        let here = self.modules.get_mut(module).expect("entered by its items");
        here.names.insert(ident.clone(), Name::Module);
        match (&item.content, file_of(&item.attrs)) {
            (Some((_, items)), _) => self.items(&path, name, file, &folder.join(ident), items),
            (None, Some(other)) => {
                let other = file.parent().expect("a file is in a folder").join(other);
                self.file(&path, &other, &other.with_extension(""));
            }
            (None, None) => {
                let below = folder.join(&ident);
                let (flat, folded) = (folder.join(format!("{ident}.rs")), below.join("mod.rs"));
                self.file(&path, if flat.exists() { &flat } else { &folded }, &below);
            }
        }
    }

    fn imports(&mut self, module: &[String], file: &str, above: &mut Vec<String>, tree: &UseTree, facade: bool) {
        let (name, last) = match tree {
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.imports(module, file, above, tree, facade));
            }
            UseTree::Path(path) => {
                above.push(path.ident.unraw().to_string());
                self.imports(module, file, above, &path.tree, facade);
                above.pop();
                return;
            }
            UseTree::Glob(_) => {
                let here = self.modules.get_mut(module).expect("entered by its items");
                here.globs.push(above.clone());
                here.paths.insert((file.to_owned(), above.clone()));
                return;
            }
            UseTree::Name(name) => (name.ident.unraw().to_string(), name.ident.unraw().to_string()),
            UseTree::Rename(name) => (name.rename.unraw().to_string(), name.ident.unraw().to_string()),
        };
        let mut path = above.clone();
        let name = match (&*last, path.last()) {
            ("self", Some(module)) if name == "self" => module.clone(),
            _ => name,
        };
        if last != "self" || path.is_empty() {
            path.push(last);
        }
        let known = !facade || self.absolute(module, &path).is_none_or(|(path, _)| !path.starts_with(module));
        let here = self.modules.get_mut(module).expect("entered by its items");
        // A facade that shows what is below it does not lean on it.
        if known {
            here.paths.insert((file.to_owned(), path.clone()));
        }
        if name != "_" {
            here.names.insert(name, Name::Use(path));
        }
    }

    /// The path from the crate's root on, and whether it said so itself.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<(Vec<String>, bool)> {
        let mut base = module.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => base.clear(),
            first if first == self.own_name => base.clear(),
            "self" => {}
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
                return Some(([&base[..], rest].concat(), true));
            }
            _ => return Some(([&base[..], rest].concat(), false)),
        }
        Some(([&base[..], &rest[1..]].concat(), true))
    }

    /// The file where the item of a path is defined.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<&str> {
        let (path, _) = self.absolute(module, path)?;
        if depth > 16 {
            return None;
        }
        // The longest module that the path begins with, and the name in it.
        let mut at = 0;
        while at < path.len() && self.modules.contains_key(&path[..=at]) {
            at += 1;
        }
        let (inside, rest) = path.split_at(at);
        let first = rest.first()?;
        let found = self.modules.get(inside)?;
        match found.names.get(first) {
            Some(Name::Item(file)) => Some(file),
            Some(Name::Use(other)) => {
                let other = [&other[..], &rest[1..]].concat();
                (other != path).then(|| self.resolve(inside, &other, depth + 1)).flatten()
            }
            Some(Name::Module) => None,
            None => found.globs.iter().find_map(|glob| {
                self.resolve(inside, &[&glob[..], rest].concat(), depth + 1)
            }),
        }
    }

    /// Which file names which other.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (module, held) in &self.modules {
            for (file, path) in &held.paths {
                if let Some(to) = self.resolve(module, path, 0).filter(|to| to != file) {
                    arrows.insert(Arrow { from: file.clone(), to: to.to_owned(), path: path.join("::") });
                }
            }
        }
        arrows
    }
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

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.unraw().to_string())
}

/// Whether what follows is there in tests only.
fn is_for_tests(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    let text = list.tokens.to_string().replace(' ', "");
    attribute.path().is_ident("cfg")
        && (["test", "doctest"].contains(&&*text)
            || text.strip_prefix("all(").is_some_and(|all| {
                all.trim_end_matches(')').split(',').any(|one| one == "test" || one == "doctest")
            }))
}

/// The file that `#[path = "…"]` names.
fn file_of(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("path")).find_map(|attribute| {
        let value = &attribute.meta.require_name_value().ok()?.value;
        match value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(file), .. }) => Some(file.value()),
            _ => None,
        }
    })
}

/// All paths of an item, those in its macros and in the texts of its attributes as well.
#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

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
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.insert(path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect());
        syn::visit::visit_path(self, path);
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

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // Within a function's body.
        fn walk(paths: &mut Paths, above: &mut Vec<String>, tree: &UseTree) {
            match tree {
                UseTree::Path(path) => {
                    above.push(path.ident.unraw().to_string());
                    walk(paths, above, &path.tree);
                    above.pop();
                }
                UseTree::Group(group) => group.items.iter().for_each(|tree| walk(paths, above, tree)),
                UseTree::Name(name) => paths.end(&mut [&above[..], &[name.ident.unraw().to_string()]].concat()),
                UseTree::Rename(name) => {
                    paths.end(&mut [&above[..], &[name.ident.unraw().to_string()]].concat());
                }
                UseTree::Glob(_) => paths.end(&mut above.clone()),
            }
        }
        walk(self, &mut Vec::new(), &item.tree);
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_for_tests) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !item.attrs.iter().any(is_for_tests) {
            syn::visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !field.attrs.iter().any(is_for_tests) {
            syn::visit::visit_field(self, field);
        }
    }
}

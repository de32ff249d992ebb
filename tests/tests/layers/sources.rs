//! The modules of a crate, and which file names which other, by `use` lines and by each path in their items.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path as FilePath, PathBuf},
};

use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Visibility, ext::IdentExt as _, visit::Visit as _};

use crate::paths::{Import, Paths, imports, is_for_tests};

/// A file that names an item of another, by this path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub path: String,
}

/// How many names may stand for each other.
const DEEPEST: usize = 16;

/// The meaning of a name in a module.
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
    /// Several where features choose.
    names: BTreeMap<String, Vec<Name>>,
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
        for item in items.iter().filter(|item| !is_for_tests(item)) {
            match item {
                Item::Use(item) => {
                    let is_shown = !matches!(item.vis, Visibility::Inherited);
                    for import in imports(&item.tree) {
                        self.import(module, name, import, is_shown);
                    }
                }
                Item::Mod(item) => self.submodule(module, name, file, folder, item),
                _ => {
                    let here = self.modules.get_mut(module).expect("entered above");
                    if let Some(defined) = name_of(item) {
                        here.names.entry(defined).or_default().push(Name::Item(name.to_owned()));
                    }
                    let mut paths = Paths::default();
                    paths.visit_item(item);
                    here.paths.extend(paths.0.into_iter().map(|path| (name.to_owned(), path)));
                }
            }
        }
    }

    fn submodule(
        &mut self,
        module: &[String],
        name: &str,
        file: &FilePath,
        folder: &FilePath,
        item: &ItemMod,
    ) {
        let ident = item.ident.unraw().to_string();
        let path = [module, std::slice::from_ref(&ident)].concat();
        let here = self.modules.get_mut(module).expect("entered by its items");
        here.names.entry(ident.clone()).or_default().push(Name::Module);
        match (&item.content, file_of(&item.attrs)) {
            (Some((_, items)), _) => self.items(&path, name, file, &folder.join(ident), items),
            (None, Some(other)) => {
                let other = file.parent().expect("a file is in a folder").join(other);
                self.file(&path, &other, &other.with_extension(""));
            }
            (None, None) => {
                let below = folder.join(&ident);
                let (beside, within) = (folder.join(format!("{ident}.rs")), below.join("mod.rs"));
                self.file(&path, if beside.exists() { &beside } else { &within }, &below);
            }
        }
    }

    fn import(&mut self, module: &[String], file: &str, Import { path, name }: Import, is_shown: bool) {
        // Names below, which a folder shows, are not leant on by that.
        let is_facade = is_shown && self.absolute(module, &path).starts_with(module);
        let here = self.modules.get_mut(module).expect("entered by its items");
        if !is_facade {
            here.paths.insert((file.to_owned(), path.clone()));
        }
        match name {
            Some(name) => here.names.entry(name).or_default().push(Name::Use(path)),
            None => here.globs.push(path),
        }
    }

    /// The path from the crate's root on.
    fn absolute(&self, module: &[String], path: &[String]) -> Vec<String> {
        let (mut base, mut rest) = (module, path);
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => base = &[],
                first if first == self.own_name => base = &[],
                "self" => {}
                "super" => base = &base[..base.len().saturating_sub(1)],
                _ => break,
            }
            rest = others;
        }
        [base, rest].concat()
    }

    /// The files where the item of a path is defined: several where features choose.
    fn resolve(&self, module: &[String], path: &[String], depth: usize, files: &mut BTreeSet<String>) {
        // The longest module that the path begins with, and the name in it.
        let path = self.absolute(module, path);
        let inside = (1..=path.len()).take_while(|at| self.modules.contains_key(&path[..*at])).last();
        let (inside, rest) = path.split_at(inside.unwrap_or(0));
        let (Some(first), Some(found)) = (rest.first(), self.modules.get(inside)) else { return };
        if depth == DEEPEST {
            return;
        }
        for name in found.names.get(first).into_iter().flatten() {
            match name {
                Name::Item(file) => drop(files.insert(file.clone())),
                Name::Use(other) => self.resolve(inside, &[other, &rest[1..]].concat(), depth + 1, files),
                Name::Module => {}
            }
        }
        if !found.names.contains_key(first) {
            for glob in &found.globs {
                self.resolve(inside, &[glob, rest].concat(), depth + 1, files);
            }
        }
    }

    /// All files that name an item of another.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (module, held) in &self.modules {
            for (file, path) in &held.paths {
                let mut files = BTreeSet::new();
                self.resolve(module, path, 0, &mut files);
                files.remove(file);
                let arrow = |to| Arrow { from: file.clone(), to, path: path.join("::") };
                arrows.extend(files.into_iter().map(arrow));
            }
        }
        arrows
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

/// The file that `#[path = "…"]` names.
fn file_of(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("path")).find_map(|attribute| {
        let value = &attribute.meta.require_name_value().ok()?.value;
        match value {
            Expr::Lit(ExprLit { lit: Lit::Str(file), .. }) => Some(file.value()),
            _ => None,
        }
    })
}

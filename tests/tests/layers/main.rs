//! The rooms of the library touch each other in one direction only, as the map of files in `docs/design.md` says.

mod paths;
mod sources;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::LazyLock,
};

use healer_tests::workspace;

use sources::{Arrow, Sources};
use table::{Room, circles, rooms};

fn design() -> String {
    fs::read_to_string(workspace().join("docs/design.md")).expect("the design is there")
}

/// The files of the library, and which names which; read once.
fn library() -> &'static (BTreeSet<String>, BTreeSet<Arrow>) {
    static LIBRARY: LazyLock<(BTreeSet<String>, BTreeSet<Arrow>)> = LazyLock::new(|| {
        let sources = Sources::read(&workspace().join("healer/src"), "healer");
        let arrows = sources.arrows();
        (sources.files, arrows)
    });
    &LIBRARY
}

/// The room of a file: the one that names most of its path.
fn room_of<'r>(rooms: &'r [Room], file: &str) -> Option<&'r str> {
    let is_in = |room: &&Room| {
        file.strip_prefix(&room.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    rooms.iter().filter(is_in).map(|room| room.name.as_str()).max_by_key(|name| name.len())
}

/// All files that one leads to.
fn reached<'f>(next: &BTreeMap<&'f str, BTreeSet<&'f str>>, from: &'f str) -> BTreeSet<&'f str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        open.extend(next.get(file).into_iter().flatten().copied().filter(|file| seen.insert(*file)));
    }
    seen
}

/// All groups of files each of which leads to each other.
fn circles_of(arrows: &BTreeSet<Arrow>) -> Vec<BTreeSet<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        next.keys().map(|file| (*file, reached(&next, file))).collect();
    let circle = |(file, reached): (&&str, &BTreeSet<&str>)| -> BTreeSet<String> {
        let back = |other: &&&str| reach.get(**other).is_some_and(|reached| reached.contains(file));
        reached.iter().filter(back).map(|file| (*file).to_owned()).collect()
    };
    let circles: BTreeSet<_> = reach.iter().map(circle).filter(|circle| !circle.is_empty()).collect();
    circles.into_iter().collect()
}

/// Fails with all that was found.
#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[test]
fn rooms_touch_only_those_above_them_in_the_map_of_files_and_all_that_it_says() {
    let (rooms, (files, arrows)) = (rooms(&design()), library());
    let mut faults = Vec::new();
    for (at, room) in rooms.iter().enumerate() {
        let is_above = |name: &String| rooms[..at].iter().any(|above| above.name == *name);
        let upward = room.touches.iter().flatten().filter(|name| !is_above(name));
        faults.extend(
            upward
                .map(|name| format!("`{}` may touch `{name}`, which is not above it in the map", room.name)),
        );
        if !files.iter().any(|file| room_of(&rooms, file) == Some(&room.name)) {
            faults.push(format!("`{}` has no file", room.name));
        }
    }
    let homeless = files.iter().filter(|file| room_of(&rooms, file).is_none());
    faults.extend(homeless.map(|file| format!("{file} is in no room of the map")));
    let mut unused: BTreeSet<(&str, &str)> = rooms
        .iter()
        .flat_map(|room| room.touches.iter().flatten().map(|touched| (room.name.as_str(), touched.as_str())))
        .collect();
    for Arrow { from, to, path } in arrows {
        let (Some(room), Some(touched)) = (room_of(&rooms, from), room_of(&rooms, to)) else { continue };
        let at = |name: &str| rooms.iter().position(|room| room.name == name).expect("a room of the map");
        let allowed = match &rooms[at(room)].touches {
            Some(listed) => listed.contains(touched),
            None => at(touched) < at(room),
        };
        unused.remove(&(room, touched));
        if room != touched && !allowed {
            faults.push(format!("{from} touches {to} by `{path}`: `{room}` may not touch `{touched}`"));
        }
    }
    faults
        .extend(unused.iter().map(|(room, touched)| format!("`{room}` may touch `{touched}`, and does not")));
    assert_none(&faults);
}

#[test]
fn no_circle_of_files_leaves_its_room_and_each_within_one_has_a_reason() {
    let design = design();
    let (rooms, known) = (rooms(&design), circles(&design));
    let found = circles_of(&library().1);
    let mut faults = Vec::new();
    for circle in &found {
        let of: BTreeSet<_> = circle.iter().filter_map(|file| room_of(&rooms, file)).collect();
        if of.len() > 1 {
            faults.push(format!("a circle through {of:?}: {circle:?}"));
        } else if !known.iter().any(|known| known.files == *circle && !known.why.is_empty()) {
            faults.push(format!("a circle without a reason: {circle:?}"));
        }
    }
    let gone = known.iter().filter(|known| !found.contains(&known.files));
    faults.extend(gone.map(|known| format!("no circle: {:?}", known.files)));
    assert_none(&faults);
}

#[test]
fn every_way_to_name_an_item_of_another_file_is_seen_and_tests_are_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use c::inner::Deep;"),
        ("a.rs", "pub struct A; pub fn run() {} #[cfg(test)] mod tests { use crate::b::B; }"),
        (
            "b.rs",
            "use crate::{a, c::{self, inner as d}}; pub struct B(own::Deep, c::Deep, d::Deep); fn go() { a::run(); println!(\"{}\", super::c::N); }
             #[derive(X)] struct Y { #[serde(serialize_with = \"crate::a::run\")] z: u8 }",
        ),
        ("c/mod.rs", "pub mod inner; pub use inner::*; pub const N: u8 = 1;"),
        ("c/inner.rs", "pub struct Deep; impl Deep { #[cfg(test)] fn seen(_: super::N) {} }"),
    ];
    fs::create_dir(folder.path().join("c")).expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let arrow =
        |from: &str, to: &str, path: &str| Arrow { from: from.into(), to: to.into(), path: path.into() };
    let wanted = [
        arrow("b.rs", "a.rs", "a::run"),
        arrow("b.rs", "a.rs", "crate::a::run"),
        arrow("b.rs", "c/inner.rs", "c::Deep"),
        arrow("b.rs", "c/inner.rs", "d::Deep"),
        arrow("b.rs", "c/inner.rs", "own::Deep"),
        arrow("b.rs", "c/mod.rs", "super::c::N"),
    ];
    assert_eq!(Sources::read(folder.path(), "own").arrows(), wanted.into());
}

#[test]
fn files_that_lead_to_each_other_are_one_circle() {
    let arrow = |from: &str, to: &str| Arrow { from: from.into(), to: to.into(), path: String::new() };
    let arrows = [arrow("a", "b"), arrow("b", "c"), arrow("c", "b"), arrow("c", "d"), arrow("e", "a")];
    let circle: BTreeSet<String> = ["b".to_owned(), "c".to_owned()].into();
    assert_eq!(circles_of(&arrows.into()), [circle]);
}

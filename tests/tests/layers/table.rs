//! The two tables of `docs/design.md` that say how the files of the library lean on each other.

use std::collections::BTreeSet;

/// A row of the map of files, from the bottom to the top.
#[derive(Debug)]
pub struct Room {
    /// A folder or a file below `healer/src`.
    pub name: String,
    /// Rooms that it may touch; `None`: all above it in the table.
    pub touches: Option<BTreeSet<String>>,
}

/// A circle of files within a room.
#[derive(Debug)]
pub struct Circle {
    pub files: BTreeSet<String>,
    pub why: String,
}

/// The cells of all table rows that follow a header.
fn rows<'t>(text: &'t str, header: &str) -> Vec<Vec<&'t str>> {
    let after = text.split_once(header).unwrap_or_else(|| panic!("no table {header:?}")).1;
    let lines = after.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// All texts in backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The rooms of the library, from the bottom to the top.
pub fn rooms(design: &str) -> Vec<Room> {
    let rows = rows(design, "| where | role | may touch |");
    let rooms = rows.into_iter().filter_map(|row| {
        let name = quoted(row[0]).next()?.strip_prefix("healer/src/")?.to_owned();
        let all = row[2] == "all above";
        Some(Room { name, touches: (!all).then(|| quoted(row[2]).map(str::to_owned).collect()) })
    });
    rooms.collect()
}

/// The circles of files that are known, each within one room.
pub fn circles(design: &str) -> Vec<Circle> {
    let rows = rows(design, "| circle | why |");
    let circles = rows.into_iter().map(|row| {
        let files = quoted(row[0]).flat_map(|files| {
            let (folder, names) = files.split_once('{').unwrap_or((files, ""));
            let names = names.trim_end_matches('}').split(',');
            names.map(|name| format!("{folder}{}", name.trim())).collect::<Vec<_>>()
        });
        Circle { files: files.collect(), why: row[1].to_owned() }
    });
    circles.collect()
}

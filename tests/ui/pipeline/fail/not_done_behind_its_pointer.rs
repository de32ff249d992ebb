//! Pointers are looked at themselves: a user may say of a `Box` or a reference what is not so of what it points to.

use std::future::{Ready, ready};

use healer::prelude::*;

/// A query that runs page by page, as its rows are taken.
trait Cursor: Send {
    fn page(&mut self) -> Option<String>;
}

struct Pages(Vec<String>);

impl Cursor for Pages {
    fn page(&mut self) -> Option<String> {
        self.0.pop()
    }
}

impl Iterator for Box<dyn Cursor> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.page()
    }
}

/// A command that is sent where it is awaited.
struct Insert(String);

impl IntoFuture for Box<Insert> {
    type Output = String;
    type IntoFuture = Ready<String>;

    fn into_future(self) -> Ready<String> {
        ready(self.0)
    }
}

#[stage]
fn query(order: String) -> Vec<Box<dyn Cursor>> {
    vec![Box::new(Pages(vec![order]))]
}

#[stage]
fn insert(order: String) -> Box<Insert> {
    Box::new(Insert(order))
}

fn main() {
    let _ = pipeline! { name "pages"; kafka::text("orders") => query => heal; };
    let _ = pipeline! { name "orders"; kafka::text("orders") => insert => heal; };
}

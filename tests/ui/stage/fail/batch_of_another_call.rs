use healer::prelude::*;

fn swap<'b>(rows: BatchMut<'b, String>, kept: BatchMut<'static, String>) -> BatchMut<'b, String> {
    drop(rows);
    kept
}

fn main() {}

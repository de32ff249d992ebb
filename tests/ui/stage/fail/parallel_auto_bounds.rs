use healer::prelude::*;

#[stage(parallel = auto(8))]
async fn one_bound(line: String) -> String {
    line
}

#[stage(parallel = auto(8..))]
async fn no_most(line: String) -> String {
    line
}

#[stage(parallel = auto(9..3))]
async fn turned_round(line: String) -> String {
    line
}

fn main() {}

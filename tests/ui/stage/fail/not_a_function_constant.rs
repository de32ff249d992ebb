use healer::prelude::*;

#[stage]
const DOUBLE: fn(u32) -> u32 = |n| n * 2;

fn main() {}

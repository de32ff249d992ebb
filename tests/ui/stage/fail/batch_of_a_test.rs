use healer::{prelude::*, testing};

#[stage(batch)]
fn swap<'b>(rows: Batch<'b, String>) -> Batch<'b, String> {
    let mut other = Some(rows);
    testing::batch(["mine".to_owned()]).run(|mine| other.replace(mine).unwrap());
    other.unwrap()
}

fn main() {}

use healer::{prelude::*, testing};

#[stage(batch)]
fn swap<'b>(rows: BatchMut<'b, String>) -> BatchMut<'b, String> {
    let mut other = Some(rows);
    testing::batch_mut(["mine".to_owned()]).run(|mine| other.replace(mine).unwrap());
    other.unwrap()
}

fn main() {}

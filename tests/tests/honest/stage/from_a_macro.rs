use healer::prelude::*;

macro_rules! stages {
    ($($name:ident: $in:ty => $out:ty = $body:expr;)*) => {
        $(
            #[stage]
            fn $name(value: $in, ctx: &Context, #[state] factor: &usize) -> $out {
                let _ = (ctx, factor);
                #[allow(clippy::redundant_closure_call)]
                ($body)(value)
            }
        )*
    };
}

stages! {
    length: String => usize = |line: String| line.len();
    lent: &usize => Result<usize, String> = |n: &usize| Ok::<_, String>(*n);
    some: usize => Option<usize> = Some;
}

pub fn main() {
    let lines = kafka::text("lines").stream("lines");
    let healed = lines.then(length::stage()).then(lent::stage()).then(some::stage()).heal();
    let _app = App::new("lines").chain(healed).with(2_usize);
}

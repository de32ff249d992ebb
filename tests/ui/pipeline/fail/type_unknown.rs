//! Types that nothing tells, and types that a fault leaves open: the one is asked for, of the other nothing more is said.

use healer::prelude::*;

#[stage]
fn made<T: Default + Send + 'static>(line: String) -> T {
    drop(line);
    T::default()
}

#[stage]
fn doubled(number: u64) -> u64 {
    number * 2
}

fn parsed() -> App {
    pipeline! {
        name "parsed";
        kafka::text("lines") => map(|line| line.parse().unwrap()) => heal;
    }
}

fn turned() -> App {
    pipeline! {
        name "turned";
        kafka::text("lines") => map(Into::into) => map(|line| (line, 1)) => heal;
    }
}

fn planned() -> App {
    pipeline! {
        name "planned";
        kafka::text("lines") => map(|_| todo!()) => heal;
    }
}

fn inside() -> App {
    pipeline! {
        name "inside";
        kafka::text("lines") => map(|line| (line, Vec::new())) => heal;
    }
}

fn generic() -> App {
    pipeline! {
        name "generic";
        kafka::text("lines") => made => heal;
    }
}

fn source() -> App {
    pipeline! {
        name "source";
        kafka::json("lines") => heal;
    }
}

fn method() -> App {
    pipeline! {
        name "method";
        kafka::text("lines") => map(|line| line.shuot()) => heal;
    }
}

fn function() -> App {
    pipeline! {
        name "function";
        lines = kafka::text("lines") => map(|line| shout(line));
        lines => map(|line| vec![line]) => batch(3) => heal;
        lines => doubled checkpoint => heal;
    }
}

fn condition() -> App {
    pipeline! {
        name "condition";
        kafka::text("lines") => filter(|line| line.len()) => map(|line| line.len()) => heal;
    }
}

fn parameter() -> App {
    pipeline! {
        name "parameter";
        kafka::text("lines") => doubled => map(|number| number + 1) => heal;
    }
}

fn main() {}

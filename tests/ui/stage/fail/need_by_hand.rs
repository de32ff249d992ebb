use healer::__private::{Found, Need, Requirement};

struct Everything;

impl Need for Everything {
    fn requirements() -> Vec<Requirement> {
        Vec::new()
    }
    fn resolve(_: &Found<'_>) -> Self {
        Self
    }
}

fn main() {}

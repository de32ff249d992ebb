use healer::__private::{HealNode, Kind, NodeKind};

fn main() {}

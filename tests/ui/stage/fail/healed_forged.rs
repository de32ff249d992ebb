fn main() {
    let _healed = healer::Healed { chain: (), nodes: Vec::new(), start: 0 };
}

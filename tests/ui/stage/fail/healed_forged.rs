fn main() {
    let _healed = healer::Healed { consumer: (), nodes: Vec::new() };
}

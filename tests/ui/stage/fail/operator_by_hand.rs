use healer::__private::{Consumer, NodeDraft, Operator};

struct Swallow;

impl Operator for Swallow {
    type In = String;
    type Out = String;
    type Node<D: Consumer<String>> = D;
    fn draft(&self) -> NodeDraft {
        todo!()
    }
}

fn main() {}

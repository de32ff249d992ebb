struct Swallow;

impl<T> healer::__private::Consumer<T> for Swallow {
    type Lane = ();
}

fn main() {}

//! Where a chain is cut: the compiler follows types to a fixed depth only, and each node makes the chain's type deeper.

use super::{Consumer, Cut, Erased, Link, Operator, Then};

/// How many nodes a chain's type may still take.
pub trait Reach: 'static {
    /// After one more node.
    type Next: Reach;
    /// In a branch, and after one more branch: the type around all ways weighs as two nodes.
    type Branch: Reach;
    /// A chain and a node after it, cut between the two where nothing is left.
    type Then<C: Link, O: Operator>: Link<In = C::In, Out = O::Out, Last = O>;
    /// A branch, erased where nothing is left.
    type Way<T: Send + 'static, D: Consumer<T>>: Consumer<T>;

    /// Puts a node after a chain.
    fn then<C: Link, O: Operator>(before: C, operator: O, at: usize) -> Self::Then<C, O>;

    /// Takes a branch.
    fn way<T: Send + 'static, D: Consumer<T>>(way: D) -> Self::Way<T, D>;
}

/// So many nodes are left.
pub struct Left<const N: usize>;

/// A chain that was not begun. Of the nodes that make a type deepest, asynchronous ones, the compiler's limit of 128 takes about
/// twice as many, beside the types around them.
pub type Whole = Left<12>;

macro_rules! reach {
    ($($n:literal: $next:ty, $branch:ty;)*) => {
        $(
            impl Reach for Left<$n> {
                type Next = $next;
                type Branch = $branch;
                type Then<C: Link, O: Operator> = Then<C, O>;
                type Way<T: Send + 'static, D: Consumer<T>> = D;

                fn then<C: Link, O: Operator>(before: C, operator: O, at: usize) -> Then<C, O> {
                    Then { before, operator, at }
                }

                fn way<T: Send + 'static, D: Consumer<T>>(way: D) -> D {
                    way
                }
            }
        )*
    };
}

reach! {
    12: Left<11>, Left<10>;
    11: Left<10>, Left<9>;
    10: Left<9>, Left<8>;
    9: Left<8>, Left<7>;
    8: Left<7>, Left<6>;
    7: Left<6>, Left<5>;
    6: Left<5>, Left<4>;
    5: Left<4>, Left<3>;
    4: Left<3>, Left<2>;
    3: Left<2>, Left<1>;
    2: Left<1>, Left<0>;
    1: Left<0>, Left<0>;
}

impl Reach for Left<0> {
    // Below a cut a type begins anew.
    type Next = <Whole as Reach>::Next;
    type Branch = Whole;
    type Then<C: Link, O: Operator> = Then<Cut<C::In, C::Out>, O>;
    type Way<T: Send + 'static, D: Consumer<T>> = Erased<T>;

    fn then<C: Link, O: Operator>(before: C, operator: O, at: usize) -> Self::Then<C, O> {
        Then { before: Cut::new(before), operator, at }
    }

    fn way<T: Send + 'static, D: Consumer<T>>(way: D) -> Erased<T> {
        way.erase()
    }
}

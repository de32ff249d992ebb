//! Stages that may be seen further than the types that they take, give and ask for: as functions may.

use healer::prelude::*;

#[derive(Clone, serde::Deserialize)]
struct Order {
    cents: u64,
}

struct Paid(u64);

struct Rates;

pub trait Priced: Send + 'static {
    type Price: Send + 'static;
    fn price(self) -> Self::Price;
}

impl Priced for Order {
    type Price = Paid;
    fn price(self) -> Paid {
        Paid(self.cents)
    }
}

mod stages {
    use super::{Order, Paid, Priced, Rates};
    use healer::prelude::*;

    #[stage]
    pub fn paid(order: Order) -> Option<Order> {
        (order.cents > 0).then_some(order)
    }

    #[stage]
    pub(crate) async fn rated(order: Order, ctx: &Context, #[state] rates: &Rates) -> Result<Order, String> {
        let _ = (ctx, rates);
        Ok(order)
    }

    #[stage]
    pub fn price<T: Priced>(order: T) -> T::Price {
        order.price()
    }

    #[stage]
    pub fn pass<T: Clone, const N: usize>(value: T) -> T {
        value
    }

    #[stage(flat)]
    pub fn split(order: Order) -> Vec<Order> {
        vec![order]
    }

    #[stage(flat)]
    pub fn twice(order: Order) -> std::iter::Take<std::iter::Repeat<Order>> {
        std::iter::repeat(order).take(2)
    }

    #[stage(parallel = 4, retry(2))]
    pub async fn sent(order: &Order) -> Result<Order, String> {
        Ok(order.clone())
    }

    #[stage(batch, retry(3))]
    pub fn sorted(rows: BatchMut<'_, Order>) -> BatchMut<'_, Order> {
        rows
    }

    #[stage(batch)]
    pub fn saved(rows: &Batch<Paid>) {
        let _ = rows.iter().map(|(_, paid)| paid.0).sum::<u64>();
    }

    pub mod inner {
        use healer::prelude::*;

        #[stage]
        pub(in super::super) fn deep(order: super::Order) -> super::Order {
            order
        }
    }
}

use stages::inner::deep;

pub fn main() {
    let by_hand = kafka::json::<Order>("orders").stream("by hand");
    let by_hand = by_hand.then(stages::paid::stage()).then(stages::pass::<Order, 3>::stage()).heal();
    let app = pipeline! {
        name "orders";
        orders = kafka::json::<Order>("orders") => stages::paid => stages::rated => deep;
        orders => stages::split => stages::twice => stages::sent => batch(3) => stages::sorted => heal;
        orders => stages::price => batch(3) => stages::saved => heal;
        orders => stages::price::<Order> => heal;
    };
    let _ = app.with(Rates).chain(by_hand).describe();
}

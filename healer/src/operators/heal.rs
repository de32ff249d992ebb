//! The end of a chain: an item that gets here is done.

use crate::{
    chain::{Below, Consumer},
    error::Failure,
    lane::{Host, Visit},
};

/// Settles every item that flows in.
pub struct HealNode;

impl<T: Send + 'static> Consumer<T> for HealNode {
    type Lane = ();

    #[inline]
    fn below(&self) -> Below {
        Below::END.holding::<T>()
    }

    fn open(&self, _: &Host) -> Self::Lane {}

    #[inline]
    fn push(&self, (): &mut Self::Lane, visit: &mut Visit<'_>, _: T) -> Result<(), Failure> {
        visit.heal();
        Ok(())
    }

    async fn room(&self, (): &mut Self::Lane) {}
}

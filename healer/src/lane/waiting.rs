//! The records of a lane that wait for their acknowledgement.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{Shared, sends::Place};
use crate::context::Context;

/// How often a lane whose records wait looks at them.
const LOOK: Duration = Duration::from_secs(1);

/// Watches the records of one lane at one node that wait for their acknowledgement. The lane keeps them, in their order.
pub(crate) struct Waiting {
    shared: Arc<Shared>,
    node: u32,
    /// How many have ended.
    ended: u64,
    /// The first one when the lane was last looked at: its number, and since when it was first.
    first: Option<(u64, Duration)>,
    /// Whether the first is known to wait too long.
    late: Option<Place>,
    timer: Option<BoxFuture<'static, ()>>,
}

impl Waiting {
    pub(crate) fn new(shared: &Arc<Shared>, node: u32) -> Self {
        Self { shared: Arc::clone(shared), node, ended: 0, first: None, late: None, timer: None }
    }

    /// The first has ended.
    pub(crate) fn ended(&mut self) {
        self.ended += 1;
        if let Some(place) = self.late.take() {
            self.let_go(place);
        }
    }

    #[cold]
    fn let_go(&self, place: Place) {
        let Shared { sends, nodes, runtime, .. } = &*self.shared;
        sends.end(&nodes.path(self.node), place, runtime.now());
    }

    /// Waits for the delivery of the only one.
    pub(crate) async fn watch<T>(
        &mut self,
        mut delivery: impl Future<Output = T> + Unpin,
        only: &Context,
    ) -> T {
        loop {
            tokio::select! {
                biased;
                result = &mut delivery => return result,
                () = self.look(Some(only)) => {}
            }
        }
    }

    /// Looks at the first one that waits, once a second. May be dropped and called again: only a lane that waits pays for a timer.
    pub(crate) async fn look(&mut self, first: Option<&Context>) {
        self.timer.get_or_insert_with(|| self.shared.runtime.sleep(LOOK)).await;
        self.timer = None;
        let Some(place) = first.map(Place::of) else { return };
        let now = self.shared.runtime.now();
        let (_, since) = *match &mut self.first {
            Some(first) if first.0 == self.ended => first,
            first => first.insert((self.ended, now)),
        };
        let Shared { sends, nodes, .. } = &*self.shared;
        if now.saturating_sub(since) >= sends.after {
            sends.begin(&nodes.path(self.node), place, (since, now));
            self.late = Some(place);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(place) = self.late.take() {
            self.let_go(place);
        }
    }
}

//! The records of a lane that wait for their acknowledgement.

use std::{collections::VecDeque, future::Future, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{Shared, sends::Place};
use crate::context::Context;

/// How often a lane whose records wait looks at them.
const LOOK: Duration = Duration::from_secs(1);

/// The records of one lane at one node that wait for their acknowledgement, in their order.
pub(crate) struct Waiting {
    shared: Arc<Shared>,
    node: u32,
    places: VecDeque<Place>,
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
        Self {
            shared: Arc::clone(shared),
            node,
            places: VecDeque::new(),
            ended: 0,
            first: None,
            late: None,
            timer: None,
        }
    }

    /// A record is on its way, behind those before it.
    pub(crate) fn began(&mut self, context: &Context) {
        self.places.push_back(Place::of(context));
    }

    /// The first has ended.
    pub(crate) fn ended(&mut self) {
        self.places.pop_front();
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

    /// Waits for the only one.
    pub(crate) async fn watch<T>(&mut self, mut delivery: impl Future<Output = T> + Unpin) -> T {
        loop {
            tokio::select! {
                biased;
                result = &mut delivery => return result,
                () = self.look() => {}
            }
        }
    }

    /// Looks at the first once a second. May be dropped and called again: only a lane that waits pays for a timer.
    pub(crate) async fn look(&mut self) {
        self.timer.get_or_insert_with(|| self.shared.runtime.sleep(LOOK)).await;
        self.timer = None;
        let Some(&place) = self.places.front() else { return };
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

//! Time: it passes when the driver says so, also while user code holds a thread.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use super::{cluster::Cluster, process::Process, runtime::Clock};

type Pass = Rc<dyn Fn(Duration)>;

thread_local! {
    static PASS: RefCell<Option<Pass>> = const { RefCell::new(None) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static CALM: Cell<bool> = const { Cell::new(true) };
}

/// A slice of time in which the others have their turns.
const SLICE: Duration = Duration::from_millis(250);

/// How many threads may be held at once; time passes for the others without turns.
const DEEPEST: usize = 3;

/// Time as all of a world see it.
#[derive(Clone)]
pub(super) struct Time {
    pub(super) tokio: Rc<tokio::runtime::Runtime>,
    pub(super) clock: Clock,
    pub(super) cluster: Cluster,
}

impl Time {
    /// Lets time pass for everybody.
    pub(super) fn pass(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        self.tokio.block_on(tokio::time::advance(time));
        let now = self.clock.now() + time;
        self.clock.set(now);
        self.cluster.advance(now);
    }

    /// Runs `work`; if it holds its thread, the processes have turns meanwhile.
    pub(super) fn with(&self, processes: Vec<Rc<Process>>, work: impl FnOnce()) {
        let time = self.clone();
        let pass = move |hold: Duration| {
            let until = time.clock.now() + hold;
            DEPTH.set(DEPTH.get() + 1);
            while time.clock.now() < until {
                time.pass(SLICE.min(until.saturating_sub(time.clock.now())));
                time.cluster.acknowledge_any();
                if DEPTH.get() <= DEEPEST {
                    for process in &processes {
                        process.turn();
                        process.work();
                    }
                }
            }
            DEPTH.set(DEPTH.get() - 1);
        };
        PASS.set(Some(Rc::new(pass)));
        work();
        PASS.set(None);
    }
}

/// Holds the calling thread for so long, in virtual time, as [`std::thread::sleep`] does outside of a
/// [`Simulation`](super::Simulation); for synchronous stages. The other processes, and the group, go on meanwhile.
///
/// Outside of a simulation it returns at once. Asynchronous stages use `tokio::time::sleep`, which is virtual there too.
///
/// ```
/// use std::time::Duration;
/// use healer::{prelude::*, testing::hold};
///
/// #[stage]
/// fn resize(image: Vec<u8>) -> Vec<u8> {
///     if cfg!(test) {
///         hold(Duration::from_secs(2));
///     }
///     image
/// }
/// # let _ = resize(Vec::new());
/// ```
pub fn hold(time: Duration) {
    if let Some(pass) = PASS.with_borrow(Clone::clone) {
        pass(time);
    }
}

/// Whether nothing is to go wrong (any more): the storm of a [`Simulation`](super::Simulation) is over, or there is none.
///
/// A stage that fails on purpose must not do so then, since a simulation ends by waiting until all is done.
///
/// ```
/// use healer::{prelude::*, testing::is_calm};
///
/// #[stage]
/// fn charge(order: String, ctx: &Context) -> Result<String, String> {
///     if !is_calm() && ctx.offset() % 10 == 3 {
///         return Err("the bank does not answer".to_owned());
///     }
///     Ok(order)
/// }
/// # let _ = charge::stage();
/// ```
pub fn is_calm() -> bool {
    CALM.get()
}

pub(super) fn set_calm(calm: bool) {
    CALM.set(calm);
}

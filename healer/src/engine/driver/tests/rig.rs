//! A pipeline whose threads a test plays, and whose clock stands still until it is told to go on.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use futures_util::{FutureExt, future::BoxFuture};

use super::{
    super::{Handle, Launch, Station, Turner, keeper, prepare},
    group::{Group, Member},
};
use crate::{
    App, Config, ConfigBuilder, OutOfRange, Report, Start,
    envelope::Desk,
    error::Error,
    lane::{Held, Runtime, Worker},
    observe::{Fate, GivenUp},
    prelude::*,
};

/// How often is committed.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// A pipeline that has nothing to do with its records.
pub(super) fn launch(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Launch {
    let config =
        Config::builder().brokers("nowhere:9092").group("g").commit_interval("1s").drain_budget("1s");
    let config = change(config.out_of_range(OutOfRange::Earliest)).build().expect("the settings are right");
    let chain = kafka::text("t").stream("t").map(|line: String| line).heal();
    App::new("driven").chain(chain).build(&config).expect("the pipeline is right").into_launch()
}

/// A pipeline that fails at a record, with lanes on threads of their own and a start by time.
fn failing(at: u64) -> Launch {
    let config =
        Config::builder().brokers("nowhere:9092").group("g").threads(2).start(Start::Time(UNIX_EPOCH));
    let config = config.build().expect("the settings are right");
    let seen = AtomicU64::new(0);
    let fail =
        move |line: String| if seen.fetch_add(1, Ordering::Relaxed) < at { Ok(line) } else { Err(line) };
    let chain = kafka::text("t").stream("t").try_map(fail).heal();
    App::new("driven").chain(chain).build(&config).expect("the pipeline is right").into_launch()
}

type Work = Box<dyn FnOnce() + Send>;

/// The threads that the test plays.
#[derive(Default)]
pub(super) struct Hands {
    now: Mutex<Duration>,
    drawn: AtomicU64,
    /// The time of a chunk is over as it begins.
    late: AtomicBool,
    /// The thread that writes to the store does not come to its end.
    hangs: Arc<AtomicBool>,
    lines: Arc<Mutex<BTreeMap<String, VecDeque<Work>>>>,
}

impl Hands {
    /// A thread does the next piece of its work.
    pub(super) fn work(&self, thread: &str) {
        let work = lock(&self.lines).get_mut(thread).and_then(VecDeque::pop_front);
        work.unwrap_or_else(|| panic!("{thread} has nothing to do"))();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no one panics with it")
}

impl Runtime for Hands {
    fn spawn(&self, _: BoxFuture<'static, ()>) {
        unreachable!("no node has tasks")
    }

    fn blocking(&self, _: Work) {
        unreachable!("no node blocks")
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        std::future::pending().boxed()
    }

    fn worker(&self, name: &str) -> io::Result<Box<dyn Worker>> {
        lock(&self.lines).insert(name.to_owned(), VecDeque::new());
        let (lines, hangs) = (Arc::clone(&self.lines), Arc::clone(&self.hangs));
        Ok(Box::new(Line { name: name.to_owned(), lines, hangs }))
    }

    fn now(&self) -> Duration {
        *lock(&self.now)
    }

    fn random(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }

    fn chunk_end(&self) -> Option<Instant> {
        self.late.load(Ordering::Relaxed).then(Instant::now)
    }

    /// One pipeline is all that there is in its process.
    fn held(&self) -> Held {
        Held::default()
    }

    fn rest(&self, _: &Desk, _: Duration) {}
}

struct Line {
    name: String,
    lines: Arc<Mutex<BTreeMap<String, VecDeque<Work>>>>,
    hangs: Arc<AtomicBool>,
}

impl Line {
    fn next(&self) -> Option<Work> {
        lock(&self.lines).get_mut(&self.name).and_then(VecDeque::pop_front)
    }
}

impl Worker for Line {
    fn give(&self, work: Work) {
        lock(&self.lines).entry(self.name.clone()).or_default().push_back(work);
    }

    fn finish(self: Box<Self>, _: Duration) -> bool {
        let hangs = self.hangs.load(Ordering::Relaxed);
        while let Some(work) = self.next().filter(|_| !hangs) {
            work();
        }
        !hangs
    }
}

pub(super) struct Rig {
    pub(super) group: Group,
    pub(super) handle: Handle,
    pub(super) store: Arc<dyn healer_store::Store>,
    hands: Arc<Hands>,
    station: Arc<Station<Member>>,
    turner: Option<Turner<Member>>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(|config| config)
    }

    /// Where the brokers tell no id of their cluster.
    pub(super) fn nameless() -> Self {
        let group = Group::default();
        group.set(|state| state.nameless = true);
        Self::over(group, |config| config)
    }

    pub(super) fn with(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        Self::over(Group::default(), change)
    }

    pub(super) fn over(group: Group, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        Self::launched(group, launch(change))
    }

    /// Of a pipeline that fails at a record, with chunks that end at the first look at the clock.
    pub(super) fn failing(at: u64) -> Self {
        let rig = Self::launched(Group::default(), failing(at));
        rig.hands.late.store(true, Ordering::Relaxed);
        rig
    }

    /// With a store of the test's.
    pub(super) fn over_store(store: Arc<dyn healer_store::Store>) -> Self {
        Self::launched(Group::default(), Launch { store, ..launch(|config| config) })
    }

    /// The thread that writes to the store does not come to its end.
    pub(super) fn hang_store(&self) {
        self.hands.hangs.store(true, Ordering::Relaxed);
    }

    fn launched(group: Group, launch: Launch) -> Self {
        let hands = Arc::<Hands>::default();
        let store = Arc::clone(&launch.store);
        let prepared = prepare(launch, &group, Arc::clone(&hands) as _);
        let (station, handle) = prepared.expect("it can be started");
        let source = station.source().expect("it has a source");
        let turner = Some(Turner::new(Arc::clone(&station), source));
        Self { group, handle, store, hands, station, turner }
    }

    /// Rounds of the poll thread.
    pub(super) fn turns(&mut self, turns: usize) {
        for _ in 0..turns {
            let Some(turner) = &mut self.turner else { return };
            self.group.state().polling = true;
            let goes_on = turner.turn();
            self.group.state().polling = false;
            if !goes_on {
                self.turner = None;
                self.station.finish(None);
            }
        }
    }

    /// A record is given up.
    pub(super) fn give_up(&self, fate: Fate, given_up: GivenUp) {
        let now = *lock(&self.hands.now);
        self.station.with(|poller| poller.shared.given_up.tell(fate, 1, given_up, now));
    }

    /// User code begins to hold the poll thread, and the keeper takes over after its patience.
    pub(super) fn keep(&self) {
        let (_poll_thread, gone) = mpsc::channel();
        self.station.begin(*lock(&self.hands.now));
        self.pass(Duration::from_secs(2));
        keeper::run(&self.station, &gone);
    }

    pub(super) fn pass(&self, time: Duration) {
        *lock(&self.hands.now) += time;
    }

    /// How much a thread has before it.
    pub(super) fn waiting(&self, thread: &str) -> usize {
        lock(&self.hands.lines).get(thread).map_or(0, VecDeque::len)
    }

    /// A thread does the next piece of its work.
    pub(super) fn work(&self, thread: &str) {
        self.hands.work(thread);
    }

    /// Where starts are looked up.
    pub(super) fn answer_starts(&mut self) {
        self.work("healer-starts");
        self.turns(1);
    }

    /// Answers the other questions.
    pub(super) fn answer(&mut self) {
        self.work("healer-ask");
        self.turns(1);
    }

    /// With these partitions open.
    pub(super) fn opened(mut self, partitions: &[i32]) -> Self {
        self.group.assign(partitions);
        self.turns(2);
        self.answer_starts();
        self.group.told();
        self
    }

    /// The partitions that are open, and where they are.
    pub(super) fn positions(&self) -> BTreeMap<i32, i64> {
        self.handle.partitions().iter().map(|status| (status.partition, status.position)).collect()
    }

    pub(super) fn end(&self) -> Option<Result<Report, Error>> {
        if self.handle.is_finished() { self.handle.join().now_or_never() } else { None }
    }

    /// The rest when the pipeline has ended and nobody has a handle any more: the store, and threads that have not ended.
    pub(super) fn left(self) -> (Arc<dyn healer_store::Store>, impl Sized) {
        let Self { store, hands, .. } = self;
        (store, hands)
    }
}

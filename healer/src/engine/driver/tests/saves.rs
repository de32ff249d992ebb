//! A store that cannot take a save for now, or for good, and the end of a pipeline on it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use healer_store::{KeyRange, MemoryStore, Page, PageLimit, Store, StoreError, Table, WriteBatch};

use super::{
    super::{Launch, Mode, prepare},
    group::Group,
    rig::{Hands, INTERVAL, Rig, launch},
};
use crate::{
    SaveHealth,
    broker::BrokerErrorKind,
    error::Error,
    journal::{Journal, Loaded},
};

const STORE: &str = "healer-store";

/// How a write ends.
enum Write {
    FailsForNow,
    FailsForGood,
    Panics,
}

/// A user's own store, whose next writes end as a test says.
#[derive(Default)]
struct Own {
    rows: MemoryStore,
    next: Mutex<VecDeque<Write>>,
    /// Also each write behind these fails for now.
    full: AtomicBool,
    writes: AtomicU64,
    closed: AtomicU64,
    close_fails: AtomicBool,
    /// So many of the next reads fail for now.
    unread: AtomicU64,
}

impl Store for Own {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let fails = |left: u64| left.checked_sub(1);
        if self.unread.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails).is_ok() {
            return Err(StoreError::transient("no connection"));
        }
        self.rows.get(table, key)
    }

    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        self.rows.scan(table, keys, limit)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        match self.next.lock().unwrap().pop_front() {
            Some(Write::FailsForNow) => Err(StoreError::transient("no room")),
            Some(Write::FailsForGood) => Err(StoreError::backend("the schema is another's")),
            Some(Write::Panics) => panic!("the table is gone"),
            None if self.full.load(Ordering::Relaxed) => Err(StoreError::transient("no room")),
            None => self.rows.write(batch),
        }
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn close(&self) -> Result<(), StoreError> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        if self.close_fails.load(Ordering::Relaxed) {
            Err(StoreError::backend("no room at the end"))
        } else {
            Ok(())
        }
    }
}

impl Own {
    fn then(&self, writes: impl IntoIterator<Item = Write>) {
        self.next.lock().unwrap().extend(writes);
    }

    fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    fn closed(&self) -> u64 {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Rig {
    fn with_own() -> (Self, Arc<Own>) {
        let own = Arc::<Own>::default();
        (Self::over_store(Arc::clone(&own) as _).opened(&[0]), own)
    }

    /// Records of the partition are done, and a tick saves and commits.
    fn done(&mut self, offsets: std::ops::Range<i64>) {
        self.group.put(0, offsets);
        self.turns(1);
        self.pass(INTERVAL);
        self.turns(1);
        self.work_all();
    }

    /// The threads that write and commit do all that they have.
    fn work_all(&mut self) {
        for thread in [STORE, "healer-commit", STORE] {
            while self.waiting(thread) > 0 {
                self.work(thread);
                self.turns(1);
            }
        }
    }

    /// The frontier of the partition as it was saved.
    fn saved(&self, own: &Arc<Own>) -> Option<i64> {
        let journal = Journal::open(Arc::clone(own) as _, self.handle.scope().clone()).unwrap();
        match journal.load("t", 0).unwrap() {
            Loaded::Found(snapshot) => Some(snapshot.frontier),
            _ => None,
        }
    }

    fn ended(&mut self) -> Result<crate::Report, Error> {
        self.handle.stop();
        self.turns(3);
        for _ in 0..20 {
            self.work_all();
            self.pass(Duration::from_secs(1));
            self.turns(2);
        }
        self.end().expect("it has ended")
    }
}

#[test]
fn a_save_that_fails_for_now_is_tried_again_with_what_came_since_and_ends_nothing() {
    let (mut rig, own) = Rig::with_own();
    own.then([Write::FailsForNow, Write::FailsForNow]);
    rig.done(0..3);
    assert_eq!((own.writes(), rig.saved(&own)), (1, None), "it is not told as saved");
    let health = rig.handle.health();
    assert_eq!((health.saves.failures, health.is_well()), (1, false));
    assert!(health.saves.error.unwrap().contains("no room"));
    assert_eq!(rig.handle.health().faults(), [""; 0], "no restart would help");

    rig.turns(3);
    assert_eq!(rig.waiting(STORE), 0, "it is not tried before its time");
    rig.pass(Duration::from_millis(250));
    rig.turns(3);
    rig.work_all();
    assert_eq!((own.writes(), rig.handle.health().saves.failures), (2, 2));

    rig.pass(Duration::from_millis(400));
    rig.turns(2);
    assert_eq!(rig.waiting(STORE), 0, "the pause grows");
    rig.pass(Duration::from_millis(100));
    rig.turns(2);
    rig.work_all();
    assert_eq!((own.writes(), rig.saved(&own)), (3, Some(3)), "all that failed is there");
    assert_eq!(rig.handle.health().saves, SaveHealth::default());
    rig.done(3..5);
    assert_eq!(rig.saved(&own), Some(5));
    rig.ended().expect("nothing was wrong");
    assert_eq!(own.closed(), 1);
}

#[test]
fn what_is_saved_while_the_store_takes_nothing_waits_for_the_next_try_and_goes_with_it() {
    let (mut rig, own) = Rig::with_own();
    own.full.store(true, Ordering::Relaxed);
    rig.done(0..3);
    for tick in 1..8 {
        rig.done(3 * tick..3 * tick + 3);
    }
    let tries = own.writes();
    assert!(tries < 8, "{tries} tries: a tick that saves does not hurry the store");
    own.full.store(false, Ordering::Relaxed);
    rig.pass(Duration::from_secs(30));
    rig.turns(2);
    rig.work_all();
    assert_eq!(
        (own.writes(), rig.saved(&own)),
        (tries + 1, Some(24)),
        "one write has all, the last of each partition"
    );
}

#[test]
fn an_error_that_does_not_pass_ends_the_pipeline_also_after_one_that_might_have_passed() {
    for writes in
        [vec![Write::FailsForGood], vec![Write::FailsForNow, Write::FailsForGood], vec![Write::Panics]]
    {
        let (mut rig, own) = Rig::with_own();
        let panics = matches!(writes[0], Write::Panics);
        own.then(writes);
        rig.done(0..3);
        rig.pass(Duration::from_secs(1));
        rig.turns(3);
        rig.work_all();
        let error = rig.ended().expect_err("the store is of no use");
        assert!(matches!(error, Error::Store(_)), "{error:?}");
        let words = if panics { "the table is gone" } else { "another's" };
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(own.closed(), 1, "it is closed all the same");
    }
}

#[test]
fn a_pipeline_that_is_stopped_while_the_store_takes_nothing_commits_and_ends_by_name() {
    let (mut rig, own) = Rig::with_own();
    own.full.store(true, Ordering::Relaxed);
    rig.done(0..3);
    let tries = own.writes();
    let error = rig.ended().expect_err("what it knew is not saved");
    assert!(matches!(&error, Error::Store(error) if error.is_transient()), "{error:?}");
    assert!(own.writes() > tries, "the end tries once more");
    assert_eq!(own.closed(), 1);
    assert_eq!((rig.handle.health().saves.failures > 0, rig.saved(&own)), (true, None));
}

#[test]
fn the_end_saves_what_waits_and_tells_the_error_of_closing() {
    let (mut rig, own) = Rig::with_own();
    own.then([Write::FailsForNow]);
    rig.done(0..3);
    rig.ended().expect("there is room at the end");
    assert_eq!((rig.saved(&own), own.closed()), (Some(3), 1));

    let (mut rig, own) = Rig::with_own();
    own.close_fails.store(true, Ordering::Relaxed);
    rig.done(0..3);
    let error = rig.ended().expect_err("it is not certain that all is there");
    assert!(error.to_string().contains("no room at the end"), "{error}");
    assert_eq!(rig.group.state().committed[&0], 3, "the commits stand");
}

#[test]
fn a_store_that_does_not_come_to_its_end_holds_nobody_and_is_told() {
    let (mut rig, _own) = Rig::with_own();
    rig.done(0..3);
    rig.hang_store();
    let error = rig.ended().expect_err("nobody knows what is there");
    assert!(error.to_string().contains("did not take the last rows within 10s"), "{error}");
}

#[test]
fn the_store_of_a_start_that_failed_is_closed_once() {
    let (group, own) = (Group::default(), Arc::<Own>::default());
    group.set(|state| state.fails = Some(BrokerErrorKind::NotAuthorized));
    let launch = Launch { store: Arc::clone(&own) as _, mode: Mode::UntilEnd, ..launch(|config| config) };
    let failed = prepare(launch, &group, Arc::<Hands>::default() as _);
    assert!(failed.is_err());
    assert_eq!(own.closed(), 1);
}

#[test]
fn a_pipeline_that_never_ran_closes_its_store() {
    let (own, hands) = (Arc::<Own>::default(), Arc::<Hands>::default());
    let launch = Launch { store: Arc::clone(&own) as _, ..launch(|config| config) };
    let prepared = prepare(launch, &Group::default(), Arc::clone(&hands) as _);
    drop(prepared.expect("it can be started"));
    hands.work(STORE);
    assert_eq!(own.closed(), 1);
}

#[test]
fn a_start_asks_a_store_again_that_cannot_be_read_for_now() {
    let own = Arc::<Own>::default();
    let mut rig = Rig::over_store(Arc::clone(&own) as _);
    own.unread.store(2, Ordering::Relaxed);
    rig.group.assign(&[0]);
    rig.turns(2);
    for _ in 0..3 {
        assert!(rig.positions().is_empty());
        rig.answer_starts();
        rig.pass(Duration::from_millis(200));
        rig.turns(1);
    }
    assert_eq!(rig.positions().len(), 1);
    rig.ended().expect("all is well");
}

#[test]
fn a_pipeline_whose_engine_panics_closes_its_store() {
    let (rig, own) = Rig::with_own();
    rig.group.set(|state| state.events_panic = true);
    rig.keep();
    assert!(matches!(rig.end(), Some(Err(Error::Engine(_)))));
    assert_eq!(own.closed(), 1);
}

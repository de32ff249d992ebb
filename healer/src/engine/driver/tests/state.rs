//! Saves of rows that nodes keep: their moment, their order, and generations that are over.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use healer_store::{KeyRange, MemoryStore, Page, PageLimit, Store, StoreError, Table, WriteBatch};

use super::{
    super::{
        Message,
        saver::{Save, Saver, StateSave},
    },
    rig::Hands,
};
use crate::{
    broker::TopicPartition,
    envelope::Home,
    journal::{Checkpoint, Journal, KeptState, Scope, StateRow},
    lane::{Keeps, LaneState, Worker},
};

type Work = Box<dyn FnOnce() + Send>;

/// Works when it is told to.
#[derive(Clone, Default)]
struct Later(Arc<Mutex<VecDeque<Work>>>);

impl Later {
    fn work(&self) {
        let all = std::mem::take(&mut *self.0.lock().expect("unpoisoned"));
        for work in all {
            work();
        }
    }
}

impl Worker for Later {
    fn give(&self, work: Work) {
        self.0.lock().expect("unpoisoned").push_back(work);
    }

    fn finish(self: Box<Self>, _: Duration) -> bool {
        self.work();
        true
    }
}

/// A user's own, which panics as it writes until it is well.
#[derive(Default)]
struct Panics {
    store: MemoryStore,
    is_well: AtomicBool,
}

impl Store for Panics {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(table, key)
    }

    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        self.store.scan(table, keys, limit)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        assert!(self.is_well.load(Ordering::Relaxed), "the table is gone");
        self.store.write(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.store.flush()
    }
}

/// A node that keeps one number.
#[derive(Default)]
struct Number(Mutex<Option<(i64, u8)>>);

impl Number {
    fn set(&self, applied: i64, value: u8) {
        *self.0.lock().expect("unpoisoned") = Some((applied, value));
    }
}

impl Keeps for Number {
    fn cut(&self) -> Vec<StateRow> {
        let changed = self.0.lock().expect("unpoisoned").take();
        changed
            .map(|(applied, value)| StateRow { key: vec![1], applied, value: vec![value] })
            .into_iter()
            .collect()
    }
}

struct Rig {
    store: Arc<Panics>,
    journal: Arc<Journal>,
    saver: Saver,
    thread: Later,
    told: Receiver<Message>,
}

impl Rig {
    fn new() -> Self {
        let (store, thread) = (Arc::<Panics>::default(), Later::default());
        let scope = Scope::new("cluster", "group", "pipeline");
        let journal = Arc::new(Journal::open(Arc::clone(&store) as _, scope).expect("names are short"));
        let (answers, told) = channel();
        let (runtime, worker) = (Arc::<Hands>::default(), Box::new(thread.clone()));
        let saver =
            Saver::new(worker, runtime, Arc::clone(&journal), answers, Arc::default(), Arc::default());
        Self { store, journal, saver, thread, told }
    }

    fn well() -> Self {
        let rig = Self::new();
        rig.store.is_well.store(true, Ordering::Relaxed);
        rig
    }

    fn kept(&self) -> Option<KeptState> {
        self.journal.kept_state("t", 0).expect("it reads")
    }

    /// The row of the only node: its last record and its value.
    fn row(&self) -> Option<(i64, u8)> {
        let kept = self.kept()?;
        kept.rows.get("number").map(|rows| (rows[0].applied, rows[0].value[0]))
    }
}

/// A partition in one generation.
struct Of {
    home: Arc<Home>,
    state: Arc<LaneState>,
}

/// A partition of a generation whose node keeps a number.
fn partition(generation: u32) -> (Of, Arc<Number>) {
    let name = TopicPartition { topic: "t".into(), partition: 0 };
    let home = Arc::new(Home::new(0, generation, name, Arc::default()));
    let state = Arc::new(LaneState::new(None, 70 + u64::from(generation)));
    let number = state.keep(&"number".into(), |_| Number::default());
    (Of { home, state }, number)
}

fn save(number: Option<u64>, of: &Of) -> Save {
    Save { number, states: vec![StateSave::new(&of.home, &of.state, (7, 0), true)], ..Save::default() }
}

#[test]
fn a_store_that_panics_is_told_each_time_and_the_thread_goes_on() {
    let rig = Rig::new();
    for offset in 0..2 {
        let (node, topic, type_name) = ("node".to_owned(), "topic".to_owned(), "u8".to_owned());
        let checkpoint = Checkpoint { node, topic, partition: 0, offset, type_name, json: b"1".to_vec() };
        rig.saver.save(Save { checkpoints: vec![checkpoint], ..Save::default() });
        rig.thread.work();
        let Ok(Message::Store(error)) = rig.told.try_recv() else { panic!("it says nothing of {offset}") };
        assert!(error.to_string().contains("the table is gone"), "{error}");
    }
}

#[test]
fn a_save_that_a_commit_waits_for_is_told_when_the_store_has_it_also_where_nothing_changed() {
    let rig = Rig::well();
    rig.saver.save(Save { number: Some(3), ..Save::default() });
    rig.saver.save(Save::default());
    assert!(rig.told.try_recv().is_err());
    rig.thread.work();
    assert!(matches!(rig.told.try_recv(), Ok(Message::Saved(3))));
    assert!(rig.told.try_recv().is_err());
}

#[test]
fn rows_are_those_of_the_moment_of_the_write() {
    let rig = Rig::well();
    let (part, number) = partition(1);
    number.set(4, 10);
    rig.saver.save(save(Some(1), &part));
    number.set(5, 11);
    rig.thread.work();
    assert_eq!(rig.row(), Some((5, 11)));
}

#[test]
fn rows_that_could_not_be_written_are_in_the_next_save() {
    let rig = Rig::new();
    let (part, number) = partition(1);
    number.set(4, 10);
    rig.saver.save(save(Some(1), &part));
    rig.thread.work();
    assert!(matches!(rig.told.try_recv(), Ok(Message::Store(_))));
    assert_eq!(rig.row(), None);
    rig.store.is_well.store(true, Ordering::Relaxed);
    rig.saver.save(Save { number: Some(2), ..Save::default() });
    rig.thread.work();
    assert!(matches!(rig.told.try_recv(), Ok(Message::Saved(2))));
    assert_eq!(rig.row(), Some((4, 10)));
}

#[test]
fn a_newer_row_takes_the_place_of_one_that_could_not_be_written() {
    let rig = Rig::new();
    let (part, number) = partition(1);
    number.set(4, 10);
    rig.saver.save(save(Some(1), &part));
    rig.thread.work();
    number.set(9, 12);
    rig.store.is_well.store(true, Ordering::Relaxed);
    rig.saver.save(save(Some(2), &part));
    rig.thread.work();
    assert_eq!(rig.row(), Some((9, 12)));
}

#[test]
fn a_generation_that_is_over_writes_neither_rows_nor_their_mark() {
    let rig = Rig::well();
    let (old, number) = partition(1);
    number.set(4, 10);
    rig.saver.save(save(Some(1), &old));
    // The partition is somebody else's before the thread comes to it.
    old.home.fence();
    rig.thread.work();
    assert!(matches!(rig.told.try_recv(), Ok(Message::Saved(1))));
    assert_eq!(rig.kept(), None);
}

#[test]
fn rows_of_nodes_that_begin_with_nothing_are_not_mixed_with_those_from_before() {
    let rig = Rig::well();
    let (old, number) = partition(1);
    number.set(4, 10);
    rig.saver.save(save(Some(1), &old));
    rig.thread.work();
    let (new, _) = partition(2);
    rig.saver.save(save(Some(2), &new));
    rig.thread.work();
    let kept = rig.kept().expect("there is a mark");
    assert_eq!((kept.mark.began, kept.rows.len()), (72, 0), "the row is of another beginning");
}

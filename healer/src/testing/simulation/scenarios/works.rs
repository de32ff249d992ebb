//! The stages of a scenario: the first word of a record says their work.
//!
//! `quick` passes. `wait` is let go by the test. `hold 30` holds its thread for 30 seconds when it comes first.
//! `fail` and `panic` do so in the synchronous stage, `later fail` and `later panic` in the asynchronous one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{prelude::*, testing::simulation::hold};

/// The name of every scenario's pipeline.
pub(crate) const PIPELINE: &str = "scenario";

/// A record that ran somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The process, counted from 1 over all starts.
    pub(crate) process: usize,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) value: String,
}

#[derive(Default)]
struct State {
    ran: Vec<Ran>,
    /// How often each value that waits has come.
    visits: BTreeMap<String, usize>,
    /// Which visits may go on.
    free: BTreeSet<(String, usize)>,
    /// Values that may always go on.
    open: BTreeSet<String>,
}

/// The state that the processes of a scenario share: the records that ran, and the values that wait.
#[derive(Default)]
pub(crate) struct Works {
    started: AtomicUsize,
    state: Mutex<State>,
}

/// One process's part in it.
pub(crate) struct Worker {
    process: usize,
    works: Arc<Works>,
}

impl Works {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pipeline for the next process.
    pub(crate) fn app(self: &Arc<Self>) -> App {
        let process = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        App::new(PIPELINE).with_arc(Arc::new(Worker { process, works: Arc::clone(self) }))
    }

    /// The records that ran so far, in order.
    pub(crate) fn ran(&self) -> Vec<Ran> {
        self.lock().ran.clone()
    }

    /// The offsets of a partition that ran in a process, in order.
    pub(crate) fn offsets(&self, process: usize, partition: i32) -> Vec<i64> {
        let state = self.lock();
        let of = state.ran.iter().filter(|ran| (ran.process, ran.partition) == (process, partition));
        of.map(|ran| ran.offset).collect()
    }

    /// How often a value that waits has come.
    pub(crate) fn visits(&self, value: &str) -> usize {
        self.lock().visits.get(value).copied().unwrap_or(0)
    }

    /// Lets a value that waits go on, at all its visits, also later ones.
    pub(crate) fn let_go(&self, value: &str) {
        self.lock().open.insert(value.to_owned());
    }

    /// Lets only one visit of a value go on, counted from 1.
    pub(crate) fn let_go_visit(&self, value: &str, visit: usize) {
        self.lock().free.insert((value.to_owned(), visit));
    }
}

impl Worker {
    /// Notes that a record runs, and does as its value says.
    pub(super) fn begin(&self, value: &str, ctx: &Context) -> Result<(), String> {
        let is_first = {
            let mut state = self.works.lock();
            let is_first = state.ran.iter().all(|ran| ran.value != value);
            let (process, value) = (self.process, value.to_owned());
            state.ran.push(Ran { process, partition: ctx.partition(), offset: ctx.offset(), value });
            is_first
        };
        let mut words = value.split(' ');
        match (words.next(), words.next()) {
            (Some("hold"), Some(time)) if is_first => hold(Duration::from_secs(time.parse().unwrap_or(0))),
            (Some("fail"), _) => return Err(format!("{value} cannot be done")),
            (Some("panic"), _) => panic!("{value} is too much"),
            _ => {}
        }
        Ok(())
    }

    async fn wait(&self, value: &str) {
        let visit = {
            let mut state = self.works.lock();
            let visits = state.visits.entry(value.to_owned()).or_default();
            *visits += 1;
            *visits
        };
        let place = (value.to_owned(), visit);
        loop {
            {
                let state = self.works.lock();
                if state.open.contains(value) || state.free.contains(&place) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The synchronous part of the work.
#[stage(crate = crate)]
pub(crate) fn begin(value: String, ctx: &Context, #[state] worker: &Worker) -> Result<String, String> {
    worker.begin(&value, ctx)?;
    Ok(value)
}

/// The asynchronous part: values that wait do so here.
#[stage(crate = crate)]
pub(crate) async fn finish(value: String, #[state] worker: &Worker) -> Result<String, String> {
    match value.as_str() {
        "later fail" => return Err("it cannot be done".to_owned()),
        "later panic" => panic!("it is too much"),
        _ => worker.wait(&value).await,
    }
    Ok(value)
}

/// The same for a batch, in a task of all partitions.
#[stage(batch, crate = crate)]
pub(crate) async fn finish_rows(rows: &Batch<String>, #[state] worker: &Worker) -> Result<(), String> {
    for (ctx, value) in rows {
        worker.begin(value, ctx)?;
        worker.wait(value).await;
    }
    Ok(())
}

/// Whether a value leaves the poll thread.
fn is_slow(value: &str) -> bool {
    value.starts_with("wait") || value.starts_with("later")
}

/// All run through [`begin`]; slow values go on to [`finish`], the rest is done at once.
pub(crate) fn quick_and_slow(app: App) -> App {
    let begun = kafka::text("t").stream("t").then(begin::stage());
    let slow = begun.filter(|value: &String| is_slow(value)).reason("quick");
    app.chain(slow.then(finish::stage()).heal())
}

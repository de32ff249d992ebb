//! One process's threads and tasks, carried out one piece after the other, in the order that chance says.

use std::{
    collections::VecDeque,
    io, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Wake, Waker},
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;

use super::cluster::Rng;
use crate::{
    envelope::Desk,
    lane::{Held, Runtime, Worker},
};

/// Time as the driver sets it, in nanoseconds; the same for all processes.
#[derive(Clone, Default)]
pub(super) struct Clock {
    now: Arc<AtomicU64>,
    /// How many numbers were given that are random elsewhere.
    drawn: Arc<AtomicU64>,
}

impl Clock {
    pub(super) fn now(&self) -> Duration {
        Duration::from_nanos(self.now.load(Ordering::Relaxed))
    }

    pub(super) fn set(&self, now: Duration) {
        self.now.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

type Work = Box<dyn FnOnce() + Send>;
type Ready = Arc<Mutex<Vec<usize>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Task {
    /// Away while it runs.
    future: Option<BoxFuture<'static, ()>>,
    /// It was called while it was away.
    again: bool,
    waker: Arc<Call>,
}

/// Wakes a task.
struct Call {
    task: usize,
    ready: Ready,
    called: AtomicBool,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.called.swap(true, Ordering::Relaxed) {
            lock(&self.ready).push(self.task);
        }
    }
}

#[derive(Default)]
struct State {
    tasks: Vec<Option<Task>>,
    free: Vec<usize>,
    /// Work of workers, one line each.
    lines: Vec<VecDeque<Work>>,
    /// Work of the pool, in any order.
    pool: Vec<Work>,
}

/// The threads and tasks of one process.
pub(super) struct SimRuntime {
    clock: Clock,
    began: Duration,
    chunks: AtomicU64,
    ready: Ready,
    state: Arc<Mutex<State>>,
}

impl SimRuntime {
    pub(super) fn new(clock: Clock) -> Self {
        let began = clock.now();
        Self { clock, began, chunks: AtomicU64::new(0), ready: Ready::default(), state: Arc::default() }
    }

    /// How many pieces of work could be done now.
    pub(super) fn waiting(&self) -> usize {
        let ready = lock(&self.ready).len();
        let state = lock(&self.state);
        ready + state.pool.len() + state.lines.iter().filter(|line| !line.is_empty()).count()
    }

    /// How many tasks there are.
    pub(super) fn tasks(&self) -> usize {
        lock(&self.state).tasks.iter().flatten().count()
    }

    /// Does one piece of work; says whether there was one.
    pub(super) fn work(&self, rng: &mut Rng) -> bool {
        let waiting = self.waiting();
        if waiting == 0 {
            return false;
        }
        let chosen = rng.below(waiting);
        let ready = lock(&self.ready).len();
        if chosen < ready {
            let task = lock(&self.ready).swap_remove(chosen);
            self.run(task);
            return true;
        }
        let work = {
            let mut state = lock(&self.state);
            let at = chosen - ready;
            if at < state.pool.len() {
                Some(state.pool.swap_remove(at))
            } else {
                let at = at - state.pool.len();
                let mut lines = state.lines.iter_mut().filter(|line| !line.is_empty());
                lines.nth(at).and_then(VecDeque::pop_front)
            }
        };
        if let Some(work) = work {
            work();
        }
        true
    }

    fn run(&self, id: usize) {
        let (future, call) = {
            let mut state = lock(&self.state);
            let Some(Some(task)) = state.tasks.get_mut(id) else { return };
            task.waker.called.store(false, Ordering::Relaxed);
            task.again = task.future.is_none();
            (task.future.take(), Arc::clone(&task.waker))
        };
        let Some(mut future) = future else { return };
        let waker = Waker::from(call);
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            if let Some(Some(task)) = lock(&self.state).tasks.get_mut(id) {
                task.future = Some(future);
                if std::mem::take(&mut task.again) {
                    task.waker.wake_by_ref();
                }
            }
        } else {
            drop(future);
            let mut state = lock(&self.state);
            state.tasks[id] = None;
            state.free.push(id);
        }
    }

    /// The process is gone: nothing of it runs any more.
    pub(super) fn end(&self) {
        let State { tasks, lines, pool, .. } = mem::take(&mut *lock(&self.state));
        lock(&self.ready).clear();
        // Without the lock: a dropped task may wake and spawn others.
        drop((tasks, lines, pool));
        *lock(&self.state) = State::default();
        lock(&self.ready).clear();
    }
}

impl Runtime for SimRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let mut state = lock(&self.state);
        let id = state.free.pop().unwrap_or_else(|| {
            state.tasks.push(None);
            state.tasks.len() - 1
        });
        let call = Arc::new(Call { task: id, ready: Arc::clone(&self.ready), called: AtomicBool::new(true) });
        state.tasks[id] = Some(Task { future: Some(task), again: false, waker: call });
        drop(state);
        lock(&self.ready).push(id);
    }

    fn blocking(&self, work: Work) {
        lock(&self.state).pool.push(work);
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn worker(&self, _: &str) -> io::Result<Box<dyn Worker>> {
        let mut state = lock(&self.state);
        state.lines.push(VecDeque::new());
        Ok(Box::new(Line { at: state.lines.len() - 1, state: Arc::clone(&self.state) }))
    }

    fn now(&self) -> Duration {
        self.clock.now().saturating_sub(self.began)
    }

    fn random(&self) -> u64 {
        self.clock.drawn.fetch_add(1, Ordering::Relaxed)
    }

    /// Every third chunk is late from its beginning: its other records wait.
    fn chunk_end(&self) -> Option<Instant> {
        self.chunks.fetch_add(1, Ordering::Relaxed).is_multiple_of(3).then(Instant::now)
    }

    /// One pipeline is all that there is in its process.
    fn held(&self) -> Held {
        Held::default()
    }

    fn rest(&self, _: &Desk, _: Duration) {}
}

/// A worker: its work waits in a line of its own.
struct Line {
    at: usize,
    state: Arc<Mutex<State>>,
}

impl Line {
    fn next(&self) -> Option<Work> {
        lock(&self.state).lines.get_mut(self.at)?.pop_front()
    }
}

impl Worker for Line {
    fn give(&self, work: Work) {
        if let Some(line) = lock(&self.state).lines.get_mut(self.at) {
            line.push_back(work);
        }
    }

    fn finish(self: Box<Self>, _: Duration) -> bool {
        while let Some(work) = self.next() {
            work();
        }
        true
    }
}

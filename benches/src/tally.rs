//! The tally of a side's function, and the times of the first and the last record.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;

use crate::{
    process,
    service::Service,
    task::{Latency, LedgerFigures, Outcome, READY, Side, Task, Until, Work},
};

/// The longest time that a record is said to take.
const LONGEST_US: u64 = 600_000_000;
/// How often is asked whether all records but one are done.
const ASK: Duration = Duration::from_millis(5);
/// How long a record of [`Work::AtOnce`] waits: by a timer, since one thread does not answer thousands at a time.
const AT_ONCE: Duration = Duration::from_millis(1);

/// The same code counts on every side that is written in Rust, so that it costs all of them the same.
#[derive(Debug)]
pub(crate) struct Tally {
    expected: u64,
    records: AtomicU64,
    sum: AtomicI64,
    waited_ns: AtomicU64,
    first: OnceLock<Mark>,
    last: OnceLock<Mark>,
    /// Whether the first record is told to the parent.
    says_first: bool,
    marks: Vec<u64>,
    latencies: Mutex<Option<Histogram<u64>>>,
    ledger: OnceLock<LedgerFigures>,
    /// The service that records wait for where few are at work at once.
    service: Option<Service>,
}

#[derive(Debug)]
struct Mark {
    at: Instant,
    unix: Duration,
    cpu: Option<Duration>,
}

impl Mark {
    fn now() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at: Instant::now(), unix, cpu: process::cpu_time().ok() }
    }
}

impl Tally {
    /// For the records of a task.
    pub(crate) fn new(task: &Task) -> Self {
        Self {
            expected: task.records,
            records: AtomicU64::new(0),
            sum: AtomicI64::new(0),
            waited_ns: AtomicU64::new(0),
            first: OnceLock::new(),
            last: OnceLock::new(),
            says_first: task.until == Until::Signal,
            // Where a record is stuck, `sides::healer::ledger` says that a step is done.
            marks: if (task.side, task.work) == (Side::Healer, Work::Stuck) {
                Vec::new()
            } else {
                task.marks.clone()
            },
            latencies: Mutex::new(None),
            ledger: OnceLock::new(),
            service: match task.work {
                Work::Sleep { micros } => Some(Service::new(Duration::from_micros(micros))),
                _ => None,
            },
        }
    }

    /// A record is about to be worked on; for work that takes time, which belongs to the span that is measured.
    pub(crate) fn begin(&self) {
        self.first.get_or_init(|| {
            if self.says_first {
                println!("{READY}");
            }
            Mark::now()
        });
    }

    /// A record was worked on, and adds this to the sum.
    #[inline]
    pub(crate) fn count(&self, value: i64) {
        self.add(value);
    }

    /// The same; tells how many that makes.
    #[inline]
    fn add(&self, value: i64) -> u64 {
        self.sum.fetch_add(value, Ordering::Relaxed);
        let count = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        if count == 1 {
            self.begin();
        }
        if count == self.expected {
            self.last.get_or_init(Mark::now);
        }
        count
    }

    /// A record that says when it was sent (0: it is not timed) was worked on, and adds this to the sum.
    pub(crate) fn timed(&self, sent_us: u64, value: i64) {
        if sent_us > 0 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let took = u64::try_from(now.as_micros()).unwrap_or(u64::MAX).saturating_sub(sent_us);
            let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
            if latencies.is_none() {
                *latencies = Histogram::new_with_max(LONGEST_US, 3).ok();
            }
            if let Some(latencies) = &mut *latencies {
                latencies.saturating_record(took);
            }
        }
        if self.marks.contains(&self.add(value)) {
            println!("{READY}");
        }
    }

    /// Waits until all records but one were worked on.
    pub(crate) async fn all_but_one(&self) {
        while self.records.load(Ordering::Relaxed) + 1 < self.expected {
            tokio::time::sleep(ASK).await;
        }
    }

    /// Sets the ledger's figures.
    pub(crate) fn set_ledger(&self, figures: LedgerFigures) {
        self.ledger.get_or_init(|| figures);
    }

    /// No more records come.
    pub(crate) fn end(&self) {
        self.last.get_or_init(Mark::now);
    }

    /// A record that waits as the task says, and adds this to the sum.
    pub(crate) async fn wait(&self, value: i64) {
        self.begin();
        let began = Instant::now();
        match &self.service {
            Some(service) => service.call().await,
            None => tokio::time::sleep(AT_ONCE).await,
        }
        let waited = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited_ns.fetch_add(waited, Ordering::Relaxed);
        self.count(value);
    }

    /// Whether all records came by.
    pub(crate) fn is_complete(&self) -> bool {
        self.last.get().is_some()
    }

    /// How many records were worked on, and their sum.
    pub(crate) fn so_far(&self) -> (u64, i64) {
        (self.records.load(Ordering::Relaxed), self.sum.load(Ordering::Relaxed))
    }

    /// The outcome of the run.
    pub(crate) fn outcome(&self) -> Result<Outcome> {
        let records = self.records.load(Ordering::Relaxed);
        let (Some(first), Some(last)) = (self.first.get(), self.last.get()) else {
            anyhow::bail!("{records} of {} records came by", self.expected);
        };
        let unreadable = "the processor time of this process cannot be read";
        let cpu = last.cpu.context(unreadable)?.saturating_sub(first.cpu.context(unreadable)?);
        let waited = Duration::from_nanos(self.waited_ns.load(Ordering::Relaxed));
        let count = u32::try_from(records.max(1)).unwrap_or(u32::MAX);
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        let latency = latencies.as_ref().map(|latencies| Latency {
            records: latencies.len(),
            p50_us: latencies.value_at_quantile(0.5),
            p99_us: latencies.value_at_quantile(0.99),
            max_us: latencies.max(),
        });
        Ok(Outcome {
            records,
            sum: self.sum.load(Ordering::Relaxed),
            seconds: (last.at - first.at).as_secs_f64(),
            cpu_seconds: cpu.as_secs_f64(),
            peak_memory_bytes: process::peak_memory()?,
            first_unix_ms: u64::try_from(first.unix.as_millis())?,
            service_us: waited.as_secs_f64() * 1e6 / f64::from(count),
            latency,
            ledger: self.ledger.get().copied(),
        })
    }
}

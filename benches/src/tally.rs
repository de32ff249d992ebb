//! What a side's function counts, and when the first and the last record came by.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};

use crate::{process, task::Outcome};

/// The same code counts on every side that is written in Rust, so that it costs all of them the same.
#[derive(Debug)]
pub(crate) struct Tally {
    expected: u64,
    records: AtomicU64,
    sum: AtomicI64,
    waited_ns: AtomicU64,
    first: OnceLock<Mark>,
    last: OnceLock<Mark>,
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
    /// For so many records.
    pub(crate) fn new(expected: u64) -> Self {
        Self {
            expected,
            records: AtomicU64::new(0),
            sum: AtomicI64::new(0),
            waited_ns: AtomicU64::new(0),
            first: OnceLock::new(),
            last: OnceLock::new(),
        }
    }

    /// A record is about to be worked on; for work that takes time, which belongs to the span that is measured.
    pub(crate) fn begin(&self) {
        self.first.get_or_init(Mark::now);
    }

    /// A record was worked on, and adds this to the sum.
    #[inline]
    pub(crate) fn count(&self, value: i64) {
        self.sum.fetch_add(value, Ordering::Relaxed);
        let count = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        if count == 1 {
            self.begin();
        }
        if count == self.expected {
            self.last.get_or_init(Mark::now);
        }
    }

    /// A record that waits this long, and adds this to the sum.
    pub(crate) async fn wait(&self, pause: Duration, value: i64) {
        self.begin();
        let began = Instant::now();
        tokio::time::sleep(pause).await;
        let waited = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited_ns.fetch_add(waited, Ordering::Relaxed);
        self.count(value);
    }

    /// Whether all records came by.
    pub(crate) fn is_complete(&self) -> bool {
        self.last.get().is_some()
    }

    /// How many records were worked on, and what they added up.
    pub(crate) fn so_far(&self) -> (u64, i64) {
        (self.records.load(Ordering::Relaxed), self.sum.load(Ordering::Relaxed))
    }

    /// What it came to.
    pub(crate) fn outcome(&self) -> Result<Outcome> {
        let records = self.records.load(Ordering::Relaxed);
        let (Some(first), Some(last)) = (self.first.get(), self.last.get()) else {
            anyhow::bail!("{records} of {} records came by", self.expected);
        };
        let unreadable = "the processor time of this process cannot be read";
        let cpu = last.cpu.context(unreadable)?.saturating_sub(first.cpu.context(unreadable)?);
        let waited = Duration::from_nanos(self.waited_ns.load(Ordering::Relaxed));
        let count = u32::try_from(records.max(1)).unwrap_or(u32::MAX);
        Ok(Outcome {
            records,
            sum: self.sum.load(Ordering::Relaxed),
            seconds: (last.at - first.at).as_secs_f64(),
            cpu_seconds: cpu.as_secs_f64(),
            peak_memory_bytes: process::peak_memory()?,
            first_unix_ms: u64::try_from(first.unix.as_millis())?,
            service_us: waited.as_secs_f64() * 1e6 / f64::from(count),
        })
    }
}

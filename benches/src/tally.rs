//! What a side's functions count, and when the first and the last record came by.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::process;

/// Shared by all functions of a side. The same code counts on every side, so that it costs all of them the same.
#[derive(Debug)]
pub(crate) struct Tally {
    expected: u64,
    work: Duration,
    records: AtomicU64,
    sum: AtomicI64,
    first: OnceLock<Mark>,
    last: OnceLock<Mark>,
}

#[derive(Debug)]
struct Mark {
    at: Instant,
    cpu: Option<Duration>,
}

impl Mark {
    fn now() -> Self {
        Self { at: Instant::now(), cpu: process::cpu_time().ok() }
    }
}

/// What one run of a side came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Records that went through the functions.
    pub(crate) records: u64,
    /// What they added up; the same on all sides, or one of them did other work.
    pub(crate) sum: i64,
    /// From the first record to the last.
    pub(crate) seconds: f64,
    /// Processor time in that span, of all threads.
    pub(crate) cpu_seconds: f64,
    /// The most memory that the process ever had in use.
    pub(crate) peak_memory_bytes: u64,
}

impl Tally {
    /// For so many records, with so much work on each.
    pub(crate) fn new(expected: u64, work: Duration) -> Self {
        Self {
            expected,
            work,
            records: AtomicU64::new(0),
            sum: AtomicI64::new(0),
            first: OnceLock::new(),
            last: OnceLock::new(),
        }
    }

    /// A record came by.
    #[inline]
    pub(crate) fn saw_record(&self) {
        let count = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        if count == 1 {
            self.first.get_or_init(Mark::now);
        }
        if count == self.expected {
            self.last.get_or_init(Mark::now);
        }
    }

    /// Adds to the sum, and works as long as was asked for.
    #[inline]
    pub(crate) fn add(&self, value: i64) {
        if !self.work.is_zero() {
            let until = Instant::now() + self.work;
            while Instant::now() < until {
                std::hint::spin_loop();
            }
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Whether all records came by.
    pub(crate) fn is_complete(&self) -> bool {
        self.last.get().is_some()
    }

    /// What it came to.
    pub(crate) fn outcome(&self) -> Result<Outcome> {
        let records = self.records.load(Ordering::Relaxed);
        let (Some(first), Some(last)) = (self.first.get(), self.last.get()) else {
            anyhow::bail!("{records} of {} records came by", self.expected);
        };
        let unreadable = "the processor time of this process cannot be read";
        let cpu = last.cpu.context(unreadable)?.saturating_sub(first.cpu.context(unreadable)?);
        Ok(Outcome {
            records,
            sum: self.sum.load(Ordering::Relaxed),
            seconds: (last.at - first.at).as_secs_f64(),
            cpu_seconds: cpu.as_secs_f64(),
            peak_memory_bytes: process::peak_memory()?,
        })
    }
}

//! Records that are given up: a warning for each, and where there are many of a stage, how many were left out. This code runs only
//! when a record is given up, so records that succeed pay nothing for it.
//!
//! **Given up.** Each place that ends a failed record says so: the desk's reader for records that stop the
//! pipeline, `failing` for skips, the delivery of a letter when it is acknowledged. Ten lines a stage and kind in ten seconds;
//! the rest is counted with its last one, and told when the time is over, with the metrics, or at the end. Nothing of it is on
//! the way of records that succeed. A record's time stays in its place, so that also one that is stuck or lost has its `emit_id`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use crate::error::{Listed, RecordError, RowRange};

/// How long is counted before those that were left out are told.
const WINDOW: Duration = Duration::from_secs(10);

/// How many lines of a kind a stage has in that time.
const LINES: u32 = 10;

/// The fate of a record that failed at its last attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It is pending again, and its pipeline stops.
    Failed,
    /// It is to be a dead letter already, since it failed on another way.
    FailedAgain,
    /// Its policy skips it.
    Skipped,
    /// The broker has its dead letter.
    DeadLettered,
}

impl Fate {
    fn words(self, is_batch: bool) -> &'static str {
        match self {
            Self::Failed if is_batch => "a batch failed: none of its offsets is committed",
            Self::Failed => "a record failed: its offset is not committed",
            Self::FailedAgain => "a record that becomes a dead letter failed in another way as well",
            Self::Skipped => "skipped a record that failed",
            Self::DeadLettered => "a record that failed became a dead letter",
        }
    }
}

/// A record, or a batch, that was given up.
#[derive(Clone, Debug)]
pub(crate) struct GivenUp {
    pub(crate) stage: Arc<str>,
    /// `None` where nobody knows the record's time any more.
    pub(crate) emit_id: Option<Uuid>,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) attempt: u32,
    /// With its causes.
    pub(crate) error: String,
    /// Of a batch.
    pub(crate) rows: Vec<RowRange>,
    pub(crate) dead_letter_topic: Option<Arc<str>>,
}

impl GivenUp {
    pub(crate) fn of_error(error: &RecordError) -> Self {
        Self {
            stage: Arc::from(error.stage.as_str()),
            emit_id: error.emit_id,
            topic: Arc::from(error.topic.as_str()),
            partition: error.partition,
            offset: error.offset,
            attempt: error.attempts,
            error: error.said(),
            rows: error.rows.clone(),
            dead_letter_topic: None,
        }
    }

    fn count(&self) -> Option<u64> {
        (!self.rows.is_empty()).then(|| self.rows.iter().map(RowRange::count).sum())
    }

    /// `left_out`: how many others of the same kind had no line, and in how many seconds.
    fn tell(&self, fate: Fate, left_out: Option<(u64, u64)>) {
        let Self { stage, emit_id, topic, partition, offset, attempt, error, rows, dead_letter_topic } = self;
        let mut text = fate.words(!rows.is_empty()).to_owned();
        if let Some((more, seconds)) = left_out {
            text = format!("{more} more in the last {seconds} s, of which this is the last: {text}");
        }
        tracing::warn!(
            emit_id = emit_id.map(display),
            topic = &**topic,
            partition,
            offset,
            stage = &**stage,
            attempt,
            rows = self.count(),
            ranges = (!rows.is_empty()).then(|| display(Listed(rows))),
            dead_letter_topic = dead_letter_topic.as_deref(),
            more = left_out.map(|(more, _)| more),
            error,
            "{text}"
        );
    }
}

/// The lines of one stage about one kind of end.
#[derive(Debug, Default)]
struct Lines {
    since: Duration,
    said: u32,
    left_out: u64,
    last: Option<GivenUp>,
}

/// A line, and of which others it tells.
type Line = (GivenUp, Option<(u64, u64)>);

impl Lines {
    /// Takes one in; returns the lines to log now.
    fn add(&mut self, given_up: GivenUp, now: Duration) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.said == 0 || self.is_over(now) {
            lines.extend(self.end(now));
            (self.since, self.said) = (now, 0);
        }
        if self.said < LINES {
            self.said += 1;
            lines.push((given_up, None));
        } else {
            self.left_out += given_up.count().unwrap_or(1);
            self.last = Some(given_up);
        }
        lines
    }

    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) >= WINDOW
    }

    /// The line about those that were left out so far.
    fn end(&mut self, now: Duration) -> Option<Line> {
        let last = self.last.take()?;
        let seconds = now.saturating_sub(self.since).as_secs_f64().ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time of a process")]
        Some((last, Some((std::mem::take(&mut self.left_out), seconds as u64))))
    }
}

/// All that a pipeline has given up, as far as it is still to be told.
#[derive(Debug, Default)]
pub(crate) struct AllGivenUp(Mutex<BTreeMap<(u32, Fate), Lines>>);

impl AllGivenUp {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<(u32, Fate), Lines>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record was given up at a node.
    #[cold]
    pub(crate) fn tell(&self, fate: Fate, node: u32, given_up: GivenUp, now: Duration) {
        // The lock is given back first: a listener of the log may run a pipeline itself.
        let lines = self.lines().entry((node, fate)).or_default().add(given_up, now);
        for (given_up, left_out) in lines {
            given_up.tell(fate, left_out);
        }
    }

    /// Tells how many were left out, where the time is over; at the end of the pipeline of all.
    pub(crate) fn tell_rest(&self, now: Duration, is_end: bool) {
        let mut due = Vec::new();
        for ((_, fate), lines) in &mut *self.lines() {
            if is_end || lines.is_over(now) {
                due.extend(lines.end(now).map(|line| (*fate, line)));
            }
        }
        for (fate, (given_up, left_out)) in due {
            given_up.tell(fate, left_out);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{GivenUp, LINES, Lines};
    use crate::{context::Context, error::RowRange};

    fn given_up() -> GivenUp {
        Context::reusable("t".into(), 3).given_up("s".into(), "torn".to_owned())
    }

    /// One item for each line: its count of others that were left out, and its seconds.
    fn add(lines: &mut Lines, millis: u64) -> Vec<Option<(u64, u64)>> {
        let said = lines.add(given_up(), Duration::from_millis(millis));
        said.into_iter().map(|(_, left_out)| left_out).collect()
    }

    #[test]
    fn the_first_are_said_one_by_one_and_then_how_many_were_left_out() {
        let mut lines = Lines::default();
        for n in 0..u64::from(LINES) {
            assert_eq!(add(&mut lines, n), [None]);
        }
        for n in 0..209 {
            assert!(add(&mut lines, 20 + n).is_empty());
        }
        assert_eq!(add(&mut lines, 9_999), []);
        assert_eq!(add(&mut lines, 10_000), [Some((210, 10)), None], "all of them, and then the new one");
        assert!(lines.end(Duration::from_secs(30)).is_none(), "each is counted once");
    }

    #[test]
    fn those_that_were_left_out_are_told_also_where_none_comes_after_them() {
        let mut lines = Lines::default();
        (0..=LINES).for_each(|_| drop(add(&mut lines, 5)));
        assert!(!lines.is_over(Duration::from_secs(9)) && lines.is_over(Duration::from_millis(10_005)));
        let (last, left_out) = lines.end(Duration::from_millis(10_005)).expect("one was left out");
        assert_eq!((last.error.as_str(), left_out), ("torn", Some((1, 10))));
    }

    #[test]
    fn a_batch_that_is_left_out_counts_as_its_records() {
        let mut lines = Lines::default();
        (0..LINES).for_each(|_| drop(add(&mut lines, 5)));
        let rows = RowRange::of((0..7).map(|offset| ("t".into(), 3, offset)).collect());
        assert!(lines.add(GivenUp { rows, ..given_up() }, Duration::ZERO).is_empty());
        let (_, left_out) = lines.end(Duration::ZERO).expect("they were left out");
        assert_eq!(left_out, Some((7, 1)));
    }
}

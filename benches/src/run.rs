//! One run: start Kafka, find the size, fill the topic, let the sides read it in turn.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum as _;
use healer_tests::kafka::RealKafka;

use crate::{
    args::Args,
    comparison::Comparison,
    figures::{float, grouped},
    report::{Compared, Report, Round},
    sides::{self, Side, Task},
    tally::Outcome,
    workloads::Supply,
};

/// How many records the size of the topic is found with, at most.
const CALIBRATION: u64 = 1_000_000;

/// Measures what was asked for.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let supply = args.workload.supply()?;
    eprintln!("starting Kafka");
    let kafka = RealKafka::start()?;
    let mut bench = Bench { args, kafka, topic: "bench".to_owned(), records: 0 };
    supply.create_topic(&bench.kafka, &bench.topic)?;
    bench.fill_for(&supply)?;
    let comparisons = args.only.as_ref().map_or(Comparison::value_variants(), std::slice::from_ref);
    let compared = comparisons.iter().map(|comparison| bench.compare(*comparison)).collect::<Result<_>>()?;
    Ok(Report::new(args, supply.origin, bench.records, compared))
}

struct Bench<'a> {
    args: &'a Args,
    kafka: RealKafka,
    topic: String,
    /// How many the topic holds.
    records: u64,
}

impl Bench<'_> {
    /// Fills the topic until the raw loop needs about as long as was asked for.
    fn fill_for(&mut self, supply: &Supply) -> Result<()> {
        let limit = self.args.records.unwrap_or(u64::MAX);
        // No more than the raw loop could do in the time, where each record is given work.
        let possible = (self.args.seconds * 1_000_000).checked_div(self.args.work_us).unwrap_or(u64::MAX);
        self.fill(supply, CALIBRATION.next_multiple_of(supply.len()).min(possible.max(1)).min(limit))?;
        // The first reader warms the broker up for the second.
        let first = self.measure(Side::Raw, Comparison::Tuned, 0)?;
        let second = self.measure(Side::Raw, Comparison::Tuned, 0)?;
        let millis = Duration::from_secs_f64(first.seconds.min(second.seconds)).as_millis().max(1);
        let wanted = u128::from(self.records) * u128::from(self.args.seconds) * 1_000 / millis;
        let wanted = u64::try_from(wanted)?.next_multiple_of(supply.len()).min(possible.max(1)).min(limit);
        self.fill(supply, wanted)
    }

    fn fill(&mut self, supply: &Supply, to: u64) -> Result<()> {
        if to > self.records {
            eprintln!("filling the topic up to {} records", grouped(to));
            supply.fill(&self.kafka, &self.topic, self.records, to)?;
            self.records = to;
        }
        Ok(())
    }

    fn compare(&self, comparison: Comparison) -> Result<Compared> {
        let rounds = (1..=self.args.rounds).map(|round| self.round(comparison, round));
        let rounds = rounds.collect::<Result<Vec<_>>>()?;
        Ok(Compared::new(comparison, comparison.properties(&self.args.set), &rounds))
    }

    /// Each side once; who begins changes from round to round.
    fn round(&self, comparison: Comparison, round: u32) -> Result<Round> {
        let mut order = Side::ALL;
        let shift = round as usize % order.len();
        order.rotate_left(shift);
        let mut outcomes = Vec::with_capacity(order.len());
        for side in order {
            let outcome = self.measure(side, comparison, round)?;
            let rate = float(outcome.records) / outcome.seconds.max(f64::EPSILON);
            eprintln!(
                "{}, round {round} of {}: {} {:.1} s, {rate:.0} records/s",
                comparison.title(),
                self.args.rounds,
                side.name(),
                outcome.seconds
            );
            outcomes.push((side, outcome));
        }
        let mut sums = outcomes.iter().map(|(_, outcome)| outcome.sum);
        let first = sums.next();
        ensure!(sums.all(|sum| Some(sum) == first), "the sides disagree about what they added up");
        Ok(Round { outcomes })
    }

    /// Runs one side and checks what it claims against the broker.
    fn measure(&self, side: Side, comparison: Comparison, round: u32) -> Result<Outcome> {
        let task = Task {
            side,
            workload: self.args.workload,
            comparison,
            properties: comparison.properties(&self.args.set),
            brokers: self.kafka.brokers(),
            topic: self.topic.clone(),
            group: self.kafka.unique(&format!("{}-{round}", side.name())),
            records: self.records,
            work_us: self.args.work_us,
        };
        let outcome = sides::start(&task)?;
        ensure!(
            outcome.records == self.records,
            "{} processed {} of {} records",
            side.name(),
            outcome.records,
            self.records
        );
        let committed = self.kafka.committed(&task.group, &self.topic).context("what a side committed")?;
        let end = self.kafka.end_offsets(&self.topic)?;
        // Where a partition is empty there is nothing to commit.
        let full = |partition: &i32| end.get(partition).is_some_and(|end| *end > 0);
        let end: Vec<_> = end.iter().filter(|(partition, _)| full(partition)).collect();
        ensure!(
            committed.iter().eq(end.iter().copied()),
            "{} committed {committed:?}, and the topic ends at {end:?}",
            side.name()
        );
        Ok(outcome)
    }
}

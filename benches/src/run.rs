//! One run: start Kafka, find how many records each side needs, let the sides read them in turn.

use std::{collections::BTreeMap, process::Command, sync::mpsc, thread, time::Duration};

use anyhow::{Result, anyhow, bail, ensure};
use healer_tests::kafka::RealKafka;

use crate::{
    args::{Args, How},
    commits,
    feed::Feed,
    figures::{float, grouped},
    flight::Delay,
    report::{Measured, Report, Round},
    sides::{self, Programs, Ran, WhenReady},
    supply::Supply,
    task::{Outcome, Side, Task, Until, Work},
    topics::{Topics, size},
    workloads::{PEERS, Pace, Workload},
};

/// How many records the first look at a side takes.
const FIRST_LOOK: u64 = 20_000;
/// The same where records wait.
const FIRST_LOOK_WAITING: u64 = 1_000;
/// How many times more records the next look takes at most.
const GROWTH: f64 = 20.0;
/// Into which part of its time a side gets SIGTERM.
const INTO: f64 = 0.3;
/// How long a side may take at least: one that hangs must not hold up the others for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// Measures the workloads and sides that were asked for.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let workloads = args.workloads();
    let asked = |side: &Side| args.sides.is_empty() || args.sides.iter().any(|name| name == side.name());
    let mut sides: Vec<_> = workloads.iter().flat_map(|workload| workload.sides).copied().collect();
    sides.retain(asked);
    let mut bench = Bench::start(&args.how, &sides)?;
    let missing = bench.programs.missing(&sides);
    let mut measured = Vec::new();
    for workload in workloads {
        let able = |side: &Side| asked(side) && !missing.contains_key(side);
        let sides: Vec<_> = workload.sides.iter().copied().filter(able).collect();
        let mut absent: Vec<_> =
            workload.absent.iter().map(|(side, why)| (*side, (*why).to_owned())).collect();
        let unable = missing.iter().filter(|(side, _)| workload.sides.contains(side));
        absent.extend(unable.map(|(side, why)| (*side, why.clone())));
        measured.push(bench.workload(workload, &sides, absent)?);
    }
    Ok(Report::new(&args.how, bench.supply.origin, measured))
}

/// A Kafka with its topics, and the sides that read them.
pub(crate) struct Bench<'a> {
    pub(crate) how: &'a How,
    kafka: RealKafka,
    supply: Supply,
    programs: Programs,
    topics: Topics,
    /// Whether the broker has taken records one by one before.
    warm: bool,
}

impl<'a> Bench<'a> {
    /// Builds the programs that these sides need, and starts Kafka.
    pub(crate) fn start(how: &'a How, sides: &[Side]) -> Result<Self> {
        let supply = Supply::read()?;
        let programs = Programs::build(sides)?;
        eprintln!("starting Kafka");
        Ok(Self { how, kafka: RealKafka::start()?, supply, programs, topics: Topics::default(), warm: false })
    }

    fn workload(
        &mut self,
        workload: &'static Workload,
        sides: &[Side],
        absent: Vec<(Side, String)>,
    ) -> Result<Measured> {
        eprintln!("\n{}: {}, {}", workload.name, workload.about, workload.key.text());
        let (mut counts, mut failed) = (BTreeMap::new(), Failed::new());
        for side in sides {
            if let Some(feed) = feed(workload, self.how.seconds) {
                counts.insert(*side, feed.total());
                continue;
            }
            match self.calibrate(workload, *side) {
                Ok(records) => _ = counts.insert(*side, records),
                Err(error) => leave_out(&mut failed, *side, error)?,
            }
        }
        let rounds = (1..=self.how.rounds).map(|round| {
            let mut order = sides.to_vec();
            order.retain(|side| !failed.contains_key(side));
            self.round(workload, order, &counts, &mut failed, round)
        });
        let rounds = rounds.collect::<Result<Vec<_>>>()?;
        let healer = counts.get(&Side::Healer).copied().unwrap_or(FIRST_LOOK);
        let share = self.supply.longest_share(workload.key, healer)?;
        Ok(Measured::new(workload, workload.properties(&self.how.set), &rounds, share, absent, failed))
    }

    /// How many records keep a side busy for as long as was asked for.
    pub(crate) fn calibrate(&mut self, workload: &Workload, side: Side) -> Result<u64> {
        // The speed does not depend on how a side ends.
        let workload = &Workload { stops: false, ..*workload };
        let seconds = float(self.how.seconds);
        let most = self.how.records.unwrap_or(u64::MAX).min(workload.most_records(self.how.seconds));
        let mut records = match workload.work {
            Work::Sleep { .. } | Work::AtOnce { .. } => FIRST_LOOK_WAITING,
            _ => FIRST_LOOK,
        };
        loop {
            records = records.min(most);
            let taken = self.measure(workload, side, records, 0)?.outcome.seconds;
            let times = seconds / taken.max(0.001);
            let wanted = size(scaled(records, times)).min(most);
            // A look that took a third of the time tells the speed well enough.
            if times <= 3.0 || records == most {
                return Ok(wanted.max(1));
            }
            // The next one aims at half of the time, no more than the speed so far lets hope for.
            records = size(scaled(records, (times / 2.0).min(GROWTH)));
        }
    }

    /// Runs each side once; the first side changes from round to round.
    fn round(
        &mut self,
        workload: &Workload,
        mut order: Vec<Side>,
        counts: &BTreeMap<Side, u64>,
        failed: &mut Failed,
        round: u32,
    ) -> Result<Round> {
        let shift = round as usize % order.len().max(1);
        order.rotate_left(shift);
        let mut ran = Vec::with_capacity(order.len());
        for side in order {
            let side_ran = match self.measure(workload, side, counts[&side], round) {
                Ok(side_ran) => side_ran,
                Err(error) => {
                    leave_out(failed, side, error)?;
                    continue;
                }
            };
            let Ran { outcome, .. } = &side_ran;
            let rate = float(outcome.records) / outcome.seconds.max(f64::EPSILON);
            eprintln!(
                "{}, round {round} of {}: {} {} records in {:.1} s, {rate:.0} a second",
                workload.name,
                self.how.rounds,
                side.name(),
                grouped(outcome.records),
                outcome.seconds
            );
            ran.push((side, side_ran));
        }
        Ok(Round { ran })
    }

    /// Runs one side and checks its claims: against the sum of the records, and against the broker.
    pub(crate) fn measure(
        &mut self,
        workload: &Workload,
        side: Side,
        records: u64,
        round: u32,
    ) -> Result<Ran> {
        let name = side.name();
        let feed = feed(workload, self.how.seconds);
        let topic = match feed {
            Some(ref feed) => {
                if !self.warm {
                    feed.warm_up(&self.kafka, self.supply.keyed(workload.key, u64::MAX)?)?;
                    self.warm = true;
                }
                self.kafka.unique(&format!("{}-{name}-{round}", workload.name))
            }
            None => self.topics.of(&self.kafka, &self.supply, workload, records)?,
        };
        let counted = self.counted(workload.work, &topic, records)?;
        let task = Task {
            side,
            work: workload.work,
            tuned: workload.tuned,
            properties: workload.properties(&self.how.set),
            brokers: self.kafka.brokers(),
            topic,
            partitions: workload.partitions,
            group: self.kafka.unique(&format!("{name}-{round}")),
            records: counted,
            until: match feed {
                Some(_) => Until::AllSent,
                None if workload.work.apart().is_some() => Until::Counted,
                None if workload.stops => Until::Signal,
                None => Until::End,
            },
            marks: feed.as_ref().map(Feed::marks).unwrap_or_default(),
        };
        if workload.work == Work::Send {
            self.kafka.create_topic(&task.output(), workload.partitions, &[])?;
        }
        let mut program = self.programs.command(side).map_err(anyhow::Error::msg)?;
        let patience = PATIENCE + Duration::from_secs(10 * self.how.seconds);
        let mut ran = match feed {
            Some(feed) => self.fed(&feed, workload, &task, &mut program, patience)?,
            None if workload.stops => {
                let after = Duration::from_secs_f64(INTO * float(self.how.seconds));
                let mut ran = sides::start(&mut program, &task, patience, WhenReady::Terminate(after))?;
                ran.note = commits::check_stop(&self.kafka, &task, &ran)?;
                return Ok(ran);
            }
            None => sides::start(&mut program, &task, patience, WhenReady::Never)?,
        };
        let Outcome { records: done, sum, .. } = &ran.outcome;
        ensure!(*done == counted, "{name} processed {done} of {counted} records");
        let expected = self.supply.sum(workload.work, records)?;
        let is_right = counted != records || *sum == expected;
        ensure!(is_right, "{name} added up {sum}, and the records come to {expected}");
        if workload.work == Work::Send {
            self.check_output(&task, (counted, expected))?;
        }
        if side != Side::Limit {
            match commits::check(&self.kafka, &task)? {
                Some(wrong) if PEERS.contains(&side) => ran.note = Some(wrong),
                Some(wrong) => bail!("{name} {wrong}"),
                None => {}
            }
        }
        Ok(ran)
    }

    /// Reads back the records that a side sent, and checks their number and their sum.
    fn check_output(&self, task: &Task, expected: (u64, i64)) -> Result<()> {
        let mut found = (0, 0);
        let mut wrong = None;
        self.kafka.read_each(&task.output(), |stored| {
            match serde_json::from_slice::<Delay>(&stored.value.unwrap_or_default()) {
                Ok(delay) => found = (found.0 + 1, found.1 + delay.minutes),
                Err(error) => wrong = Some(error),
            }
        })?;
        ensure!(wrong.is_none(), "{} sent what is none of it: {wrong:?}", task.side.name());
        let (name, (count, sum)) = (task.side.name(), found);
        ensure!(
            found == expected,
            "{name} sent {count} records with {sum} minutes, and {expected:?} were to be"
        );
        self.kafka.delete_topic(&task.output())
    }

    /// How many of a topic's records count.
    fn counted(&self, work: Work, topic: &str, records: u64) -> Result<u64> {
        let Some(apart) = work.apart() else { return Ok(records) };
        let uncounted = self.kafka.end_offsets(topic)?.get(&apart).copied().unwrap_or(0);
        Ok(records - u64::try_from(uncounted)?)
    }

    /// Runs one side while its topic is filled.
    fn fed(
        &self,
        feed: &Feed,
        workload: &Workload,
        task: &Task,
        program: &mut Command,
        patience: Duration,
    ) -> Result<Ran> {
        self.kafka.create_topic(&task.topic, task.partitions, &[])?;
        let mut records = self.supply.keyed(workload.key, task.records)?;
        feed.begin(&self.kafka, &task.topic, &mut records)?;
        let (ready, to_hear) = mpsc::channel();
        let (ran, sent) = thread::scope(|scope| {
            let sent = scope.spawn(move || feed.go_on(&self.kafka, &task.topic, records, &to_hear));
            let ran = sides::start(program, task, patience, WhenReady::Tell(ready));
            (ran, sent.join())
        });
        // The reason why a side ended comes first: that not all records were sent then is its consequence.
        let mut ran = ran?;
        ran.note = sent.map_err(|_| anyhow!("the thread that sends records panicked"))??;
        let timed = ran.outcome.latency.map_or(0, |latency| latency.records);
        ensure!(timed == feed.timed, "{} timed {timed} of {} records", task.side.name(), feed.timed);
        Ok(ran)
    }
}

/// The records that are sent while sides read.
fn feed(workload: &Workload, seconds: u64) -> Option<Feed> {
    let Pace { steps, per_second } = workload.pace?;
    Some(Feed { steps: steps.to_vec(), timed: per_second * seconds, per_second })
}

/// Why sides are not asked any more.
type Failed = BTreeMap<Side, String>;

/// A peer that fails is reported and left out; without healer, or a side that it is judged by, a run says nothing.
fn leave_out(failed: &mut Failed, side: Side, error: anyhow::Error) -> Result<()> {
    if !PEERS.contains(&side) {
        return Err(error);
    }
    eprintln!("{} is left out: {error:#}", side.name());
    failed.insert(side, format!("{error:#}"));
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of records, from positive factors"
)]
fn scaled(records: u64, times: f64) -> u64 {
    (float(records) * times).ceil() as u64
}

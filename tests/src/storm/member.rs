//! One process of the group, and its troubles.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Ground;
use crate::programs::Program;

/// How long a frozen process stays so: beyond the session of three seconds.
const FREEZE: Duration = Duration::from_secs(5);

/// How long a process may take to end when it is asked: longer than it waits for the database.
const END: Duration = Duration::from_mins(2);

const SIGTERM: i32 = 15;

/// The kinds of trouble for a process.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Kill,
    Stop,
    Freeze,
    /// Nothing; its memory is looked at.
    Look,
}

/// The troubles of a process, and when each comes.
#[derive(Debug)]
pub(super) struct Plan {
    random: fastrand::Rng,
    troubles: Vec<(Duration, Trouble)>,
}

impl Plan {
    /// Kills and stops at random moments, one a `calm`; with one freeze a minute, and one at least.
    pub(super) fn new(mut random: fastrand::Rng, lasting: Duration, calm: Duration, freezes: bool) -> Self {
        let mut kinds: Vec<_> = (0..(lasting.as_millis() / calm.as_millis().max(1)).max(1))
            .map(|_| if random.bool() { Trouble::Kill } else { Trouble::Stop })
            .collect();
        if freezes {
            for _ in 0..(lasting.as_secs() / 60).max(1) {
                kinds.insert(random.usize(..=kinds.len()), Trouble::Freeze);
            }
        }
        let slot = lasting / u32::try_from(kinds.len()).unwrap_or(u32::MAX);
        let troubles =
            (0..).zip(kinds).map(|(at, kind)| (slot * at + slot.mul_f64(random.f64()), kind)).collect();
        Self { random, troubles }
    }

    /// No trouble; its memory is looked at after a tenth of the time, in the middle, and at the end.
    pub(super) fn watched(lasting: Duration) -> Self {
        let troubles = [0.1, 0.5, 1.0].map(|part| (lasting.mul_f64(part), Trouble::Look));
        Self { random: fastrand::Rng::with_seed(0), troubles: troubles.into() }
    }
}

/// The troubles that a process went through.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How often it was killed with -9.
    pub kills: u32,
    /// How often it was asked to end.
    pub stops: u32,
    /// How often it was frozen beyond its session.
    pub freezes: u32,
    /// How long it took to end at most, when it was asked to.
    pub slowest_stop: Duration,
    /// Its memory in KiB, if that was looked at: near the start, in the middle, at the end.
    pub memory: Vec<u64>,
}

/// A process of the group.
pub(super) struct Member {
    number: u64,
    program: Program,
    told: Told,
}

impl Member {
    pub(super) fn start(ground: &Ground, number: u64) -> Result<Self> {
        Ok(Self { number, program: ground.start(number)?, told: Told::default() })
    }

    /// Goes through its plan; runs at the end.
    pub(super) fn weather(mut self, ground: &Ground, mut plan: Plan, over: &AtomicBool) -> Result<Self> {
        let began = Instant::now();
        for (at, trouble) in plan.troubles {
            // In short rests, so that it hears soon when the storm is over.
            while began.elapsed() < at && !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
            }
            if over.load(Ordering::Relaxed) {
                break;
            }
            self.must_run()?;
            match trouble {
                Trouble::Kill => {
                    self.program.signal("KILL")?;
                    self.program.end_within(END)?;
                    self.told.kills += 1;
                }
                Trouble::Stop => self.end()?,
                Trouble::Freeze => {
                    self.program.signal("STOP")?;
                    thread::sleep(FREEZE);
                    self.program.signal("CONT")?;
                    self.told.freezes += 1;
                    continue;
                }
                Trouble::Look => {
                    self.told.memory.push(self.program.memory()?);
                    continue;
                }
            }
            thread::sleep(Duration::from_millis(plan.random.u64(0..1_000)));
            self.program = ground.start(self.number)?;
        }
        Ok(self)
    }

    pub(super) fn must_run(&mut self) -> Result<()> {
        self.program.must_run().with_context(|| format!("process {}", self.number))
    }

    /// Asks it to end and waits until it has.
    fn end(&mut self) -> Result<()> {
        let began = Instant::now();
        self.program.signal("TERM")?;
        let status = self.program.end_within(END).with_context(|| format!("process {}", self.number))?;
        // One that has just been started does not listen yet, and dies of the signal.
        ensure!(
            status.success() || status.signal() == Some(SIGTERM),
            "process {} was asked to end and failed ({status}):\n{}",
            self.number,
            self.program.last_words()
        );
        self.told.stops += 1;
        self.told.slowest_stop = self.told.slowest_stop.max(began.elapsed());
        Ok(())
    }

    /// Asks it to end for good; returns the troubles that it went through.
    pub(super) fn stop(mut self) -> Result<Told> {
        let told = self.told.clone();
        self.end()?;
        Ok(told)
    }
}

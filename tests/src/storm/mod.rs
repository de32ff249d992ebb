//! The program `flights` in a storm: several processes in one group that are killed, stopped, frozen and started again at
//! random moments while flights keep coming. At the end nothing may be lost.

mod ground;
mod load;
mod member;
mod verdict;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

pub use ground::Ground;
pub use load::Load;
pub use verdict::Verdict;

use crate::kafka::RealKafka;
use member::{Member, Plan, Told};

/// The settings of a storm.
#[derive(Clone, Debug)]
pub struct Storm {
    /// The group protocol, `classic` or `consumer`.
    pub protocol: String,
    /// How long flights keep coming and processes are troubled.
    pub lasting: Duration,
    /// Whether a stage works on 64 flights at once.
    pub parallel: bool,
    /// The seed of the random moments and kinds of trouble.
    pub seed: u64,
    /// Flights a second.
    pub rate: u32,
    /// How many processes are in the group.
    pub members: u64,
    /// How long a process runs between two troubles, on average.
    pub calm: Duration,
    /// The first process is left alone and its memory is looked at; otherwise it is frozen now and then.
    pub soak: bool,
}

/// The report of a storm in which nothing was lost.
#[derive(Debug)]
pub struct Weathered {
    /// The verdict at the end.
    pub verdict: Verdict,
    /// The troubles that each process went through.
    pub members: Vec<Told>,
    /// From the start of the first process to the last commit.
    pub took: Duration,
}

impl Storm {
    /// Lets it blow on a broker, and checks the topics and the database afterwards.
    ///
    /// # Errors
    /// Something was lost, a process ended by itself or did not end when asked, or the group did not come to the end. The text
    /// says which; the logs and the database stay.
    pub fn blow(&self, kafka: &RealKafka) -> Result<Weathered> {
        let mut ground = Ground::new(kafka, &self.protocol, 8)?.parallel(self.parallel);
        let outcome = self.blow_on(&ground);
        outcome.map_err(|error| {
            let folder = ground.keep();
            anyhow!("{error:#}\n(seed {}; logs and database are in {})", self.seed, folder.display())
        })
    }

    fn blow_on(&self, ground: &Ground) -> Result<Weathered> {
        let began = Instant::now();
        let over = AtomicBool::new(false);
        let members =
            (0..self.members).map(|number| Member::start(ground, number)).collect::<Result<Vec<_>>>()?;
        let (sent, members) = thread::scope(|scope| {
            let load = scope.spawn(|| ground.load(Load { rate: self.rate, lasting: self.lasting }, &over));
            let storms: Vec<_> = (0..)
                .zip(members)
                .map(|(number, member)| {
                    let (plan, over) = (self.plan(number), &over);
                    scope.spawn(move || {
                        let result = member.weather(ground, plan, over);
                        // After a failure nobody needs the rest of the storm.
                        over.fetch_or(result.is_err(), Ordering::Relaxed);
                        result
                    })
                })
                .collect();
            let members: Result<Vec<Member>> = storms
                .into_iter()
                .map(|storm| storm.join().unwrap_or_else(|_| Err(anyhow!("a thread of the storm panicked"))))
                .collect();
            let sent = load.join().unwrap_or_else(|_| Err(anyhow!("the producer panicked")));
            Ok::<_, anyhow::Error>((sent, members?))
        })?;
        let (sent, mut members) = (sent?, members);
        ground.wait_until_done(|| members.iter_mut().try_for_each(Member::must_run))?;
        let took = began.elapsed();
        let members = members.into_iter().map(Member::stop).collect::<Result<_>>()?;
        Ok(Weathered { verdict: ground.judge(sent)?, members, took })
    }

    /// The troubles that one process will go through.
    fn plan(&self, number: u64) -> Plan {
        let random = fastrand::Rng::with_seed(self.seed.wrapping_mul(1_000).wrapping_add(number));
        match (self.soak, number) {
            (true, 0) => Plan::watched(self.lasting),
            (false, 0) => Plan::new(random, self.lasting, self.calm, true),
            _ => Plan::new(random, self.lasting, self.calm, false),
        }
    }
}

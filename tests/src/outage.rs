//! The broker killed under load and back after a while: the program stays up, rests meanwhile, and goes on by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::kafka::RealKafka;
use crate::programs::Program;
use crate::storm::{Ground, Load, Verdict};

/// How long flights may come at most, the outage aside.
const LOAD: Duration = Duration::from_mins(5);

/// The beginning of an outage, in which the program notices, is not measured.
const NOTICE: Duration = Duration::from_secs(3);

/// How the program endured the outage.
#[derive(Clone, Copy, Debug)]
pub struct Endured {
    /// The share of one core that it took while the broker was down.
    pub cpu: f64,
    /// The verdict at the end.
    pub verdict: Verdict,
}

/// Kills the broker with -9 under load, starts it again after `lasting`, and lets `flights` finish.
///
/// # Errors
/// The program ended, or something was lost.
pub fn endure(kafka: &RealKafka, protocol: &str, lasting: Duration) -> Result<Endured> {
    let ground = Ground::new(kafka, protocol, 4)?;
    let mut program = ground.start(0)?;
    let over = AtomicBool::new(false);
    let (sent, cpu) = thread::scope(|scope| {
        let load = scope.spawn(|| ground.load(Load { rate: 300, lasting: LOAD + lasting }, &over));
        let cpu = until_some_is_committed(&ground, &mut program)
            .and_then(|()| go_dark(kafka, &mut program, lasting))
            .and_then(|cpu| until_some_is_committed(&ground, &mut program).map(|()| cpu));
        over.store(true, Ordering::Relaxed);
        let sent = load.join().unwrap_or_else(|_| Err(anyhow!("the producer panicked")));
        Ok::<_, anyhow::Error>((sent, cpu?))
    })?;
    let sent = sent?;
    ground.wait_until_done(|| program.must_run())?;
    program.signal("TERM")?;
    let status = program.end_within(Duration::from_mins(1))?;
    ensure!(status.success(), "it was asked to end and failed ({status}):\n{}", program.last_words());
    let verdict = ground.judge(sent).with_context(|| program.last_words())?;
    Ok(Endured { cpu, verdict })
}

/// Waits until a hundred flights more are committed than were when it began.
fn until_some_is_committed(ground: &Ground, program: &mut Program) -> Result<()> {
    let end = Instant::now() + LOAD / 2;
    let sum = || Ok::<_, anyhow::Error>(ground.committed()?.values().sum::<i64>());
    let before = sum()?;
    while sum()? < before + 100 {
        program.must_run()?;
        ensure!(Instant::now() < end, "nothing is committed:\n{}", program.last_words());
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The outage itself; gives the share of a core that the program took in it.
fn go_dark(kafka: &RealKafka, program: &mut Program, lasting: Duration) -> Result<f64> {
    kafka.kill();
    thread::sleep(NOTICE);
    let (began, before) = (Instant::now(), program.cpu()?);
    thread::sleep(lasting.saturating_sub(NOTICE));
    let share = program.cpu()?.saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
    program.must_run()?;
    kafka.restart()?;
    Ok(share)
}

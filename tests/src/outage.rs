//! The broker killed under load and back after a while: the program stays up, rests meanwhile, and goes on by itself.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::kafka::RealKafka;
use crate::storm::{Ground, Load, Verdict};

/// How long flights come before and after.
const LOAD: Duration = Duration::from_secs(4);

/// The beginning of an outage, in which the program notices, is not measured.
const NOTICE: Duration = Duration::from_secs(3);

/// What the program did meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Endured {
    /// The share of one core that it took while the broker was down.
    pub cpu: f64,
    /// What was found at the end.
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
    let load = Load { rate: 300, lasting: LOAD + lasting + LOAD };
    let (sent, cpu) = thread::scope(|scope| {
        let sent = scope.spawn(|| ground.load(load, &over));
        thread::sleep(LOAD);
        let before = ground.committed()?.values().sum::<i64>();
        ensure!(before > 0, "nothing was committed before the outage:\n{}", program.last_words());
        kafka.kill();
        thread::sleep(NOTICE);
        let busy = program.cpu()?;
        thread::sleep(lasting.saturating_sub(NOTICE));
        let busy = program.cpu()?.saturating_sub(busy);
        program.must_run()?;
        kafka.restart()?;
        let sent = sent.join().unwrap_or_else(|_| Err(anyhow!("the producer panicked")))?;
        Ok((sent, busy.as_secs_f64() / lasting.saturating_sub(NOTICE).as_secs_f64()))
    })?;
    ground.wait_until_done(|| program.must_run())?;
    program.signal("TERM")?;
    let status = program.end_within(Duration::from_mins(1))?;
    ensure!(status.success(), "it was asked to end and failed ({status}):\n{}", program.last_words());
    let verdict = ground.judge(sent).with_context(|| program.last_words())?;
    Ok(Endured { cpu, verdict })
}

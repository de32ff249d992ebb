//! The soak as a command; see `docs/testing.md`.

use std::io::{Write as _, stdout};
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use healer_tests::kafka::{RealKafka, RealKafkaOptions};
use healer_tests::storm::{Storm, Weathered};

/// One process of `flights` that runs all the time, at a steady rate, while two others come and go at random. Prints its
/// memory at the start, in the middle and at the end; fails if it grows in the second half, or if a flight is lost.
#[derive(Debug, Parser)]
struct Options {
    /// How long it lasts
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,

    /// The group protocol, `classic` or `consumer`
    #[arg(long, default_value = "consumer")]
    protocol: String,

    /// The seed of the random moments; a new one by default
    #[arg(long)]
    seed: Option<u64>,

    /// Flights a second
    #[arg(long, default_value_t = 500)]
    rate: u32,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    writeln!(
        stdout(),
        "{}, seed {seed}: {} minutes at {} flights/s",
        options.protocol,
        options.minutes,
        options.rate
    )?;
    let kafka = RealKafka::start_with(RealKafkaOptions::default())?;
    let storm = Storm {
        protocol: options.protocol,
        parallel: false,
        lasting: Duration::from_secs_f64(60.0 * options.minutes),
        seed,
        rate: options.rate,
        members: 3,
        calm: Duration::from_secs(15),
        soak: true,
    };
    let Weathered { verdict, members, .. } = storm.blow(&kafka)?;
    let [start, middle, end] = members[0].memory[..] else { anyhow::bail!("its memory was not looked at") };
    writeln!(stdout(), "nothing lost: {verdict:?}")?;
    writeln!(stdout(), "memory (RSS): start {start} KiB, middle {middle} KiB, end {end} KiB")?;
    for (number, told) in members.iter().enumerate().skip(1) {
        writeln!(stdout(), "process {number}: {} kills, {} stops", told.kills, told.stops)?;
    }
    ensure!(end <= middle + middle / 4, "its memory grew by more than a quarter in the second half");
    Ok(())
}

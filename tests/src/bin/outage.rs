//! A broker that is gone for a minute, as a command; see `docs/testing.md`.

use std::io::{Write as _, stdout};
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use healer_tests::kafka::{RealKafka, RealKafkaOptions};
use healer_tests::outage::{Endured, endure};

/// `flights` under load while its broker is killed with -9 and comes back later. Fails if a flight is lost, if the program
/// ends, or if it takes 2% of a core or more while the broker is down.
#[derive(Debug, Parser)]
struct Options {
    /// How long the broker is down
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..))]
    seconds: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    for protocol in ["classic", "consumer"] {
        let kafka = RealKafka::start_with(RealKafkaOptions::default())?;
        let Endured { cpu, verdict } = endure(&kafka, protocol, Duration::from_secs(options.seconds))?;
        let share = 100.0 * cpu;
        writeln!(stdout(), "{protocol}: {share:.2}% of a core while the broker was down; {verdict:?}")?;
        ensure!(cpu < 0.02, "{share:.2}% of a core is too much for a program that waits");
    }
    Ok(())
}

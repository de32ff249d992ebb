//! The storm as a command; see `docs/testing.md`.

use std::io::{Write as _, stdout};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use healer_tests::kafka::{RealKafka, RealKafkaOptions};
use healer_tests::storm::{Storm, Weathered};

/// Three processes of `flights` in one group on a real Kafka, killed, stopped, frozen and started again while flights keep
/// coming. Fails if one is lost.
#[derive(Debug, Parser)]
struct Options {
    /// How long the storm lasts, for each protocol
    #[arg(long, default_value_t = 120)]
    seconds: u64,

    /// The group protocol; both run one after the other
    #[arg(long, value_enum, default_value = "both")]
    protocol: Protocol,

    /// The protocol under which a stage works on 64 flights at once, in the order of their planes, with attempts
    #[arg(long, value_enum)]
    parallel: Option<Protocol>,

    /// The seed of the random moments; a new one by default
    #[arg(long)]
    seed: Option<u64>,

    /// Flights a second
    #[arg(long, default_value_t = 500)]
    rate: u32,

    /// Processes in the group
    #[arg(long, default_value_t = 3)]
    members: u64,

    /// Seconds between two troubles of one process, on average
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u64).range(1..))]
    calm: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    Classic,
    Consumer,
    Both,
}

impl Protocol {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Classic => &["classic"],
            Self::Consumer => &["consumer"],
            Self::Both => &["classic", "consumer"],
        }
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let began = Instant::now();
    let kafka = RealKafka::start_with(RealKafkaOptions::default())?;
    for protocol in options.protocol.names() {
        let parallel = options.parallel.is_some_and(|parallel| parallel.names().contains(protocol));
        writeln!(
            stdout(),
            "{protocol}{}, seed {seed}: {} s at {} flights/s",
            if parallel { ", parallel" } else { "" },
            options.seconds,
            options.rate
        )?;
        let storm = Storm {
            protocol: (*protocol).to_owned(),
            parallel,
            lasting: Duration::from_secs(options.seconds),
            seed,
            rate: options.rate,
            members: options.members,
            calm: Duration::from_secs(options.calm),
            soak: false,
        };
        let Weathered { verdict, members, took } = storm.blow(&kafka)?;
        let repeats = verdict.saved_again + verdict.sent_again;
        writeln!(stdout(), "  nothing lost in {:.1} s: {verdict:?}", took.as_secs_f64())?;
        writeln!(
            stdout(),
            "  repeats: {repeats} ({} saved again, {} sent again)",
            verdict.saved_again,
            verdict.sent_again
        )?;
        for (number, told) in members.iter().enumerate() {
            writeln!(
                stdout(),
                "  process {number}: {} kills, {} stops (slowest {:.1} s), {} freezes",
                told.kills,
                told.stops,
                told.slowest_stop.as_secs_f64(),
                told.freezes
            )?;
        }
    }
    writeln!(stdout(), "done in {:.0} s", began.elapsed().as_secs_f64())?;
    Ok(())
}

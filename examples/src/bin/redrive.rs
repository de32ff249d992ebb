//! Sends dead letters back to the topics that they came from: `cargo run --bin redrive -- orders.dead --to orders`.
//!
//! Brokers and security come from the environment, as for every pipeline: `HEALER_BROKERS`, `HEALER_KAFKA_…`.

use std::process::ExitCode;

use clap::Parser;
use healer::{
    dead_letter::{DeadLetter, Redrive, Why},
    observe,
    prelude::*,
};

/// Sends dead letters back to the topics that they came from. A letter that is not sent back stays in the topic, and is named.
#[derive(Parser)]
struct Options {
    /// The topic of the dead letters.
    topic: String,
    /// A topic that letters may go back to; may be repeated. Letters that name another one stay.
    #[arg(long, value_name = "TOPIC", required = true)]
    to: Vec<String>,
    /// Only letters that failed at this stage: its name, such as `charge`, or its path, `orders.charge`.
    #[arg(long)]
    stage: Option<String>,
    /// Only letters whose error holds this text.
    #[arg(long)]
    error: Option<String>,
    /// Only letters of records that were read from this topic.
    #[arg(long)]
    from: Option<String>,
    /// How often a record may be sent back.
    #[arg(long, default_value_t = 3)]
    limit: u32,
    /// Sends each letter once even if this is killed: in transactions of this id.
    #[arg(long)]
    transactional_id: Option<String>,
}

impl Options {
    fn redrive(self) -> Redrive {
        let Self { topic, to, stage, error, from, limit, transactional_id } = self;
        let wanted = move |letter: &DeadLetter<'_>| {
            let is = |wanted: &Option<String>, found: Option<&str>| {
                wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
            };
            let says =
                error.as_deref().is_none_or(|text| letter.error().is_some_and(|all| all.contains(text)));
            (is(&stage, letter.stage()) || is(&stage, letter.path())) && is(&from, letter.topic()) && says
        };
        let redrive = Redrive::new(topic).to(to).limit(limit).filter(wanted);
        match transactional_id {
            Some(id) => redrive.transactional(id),
            None => redrive,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            observe::log_error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let done = options.redrive().run(&Config::from_env()?).await?;
    println!(
        "{} records sent back ({} more letters of them); {} letters kept ({} not asked for, {} sent back too often before, {} of \
         other topics or none, {} refused)",
        done.sent,
        done.repeated,
        done.kept(),
        done.filtered,
        done.exhausted,
        done.foreign,
        done.refused
    );
    done.reasons.iter().filter(|kept| kept.why != Why::Filtered).for_each(|kept| println!("kept: {kept}"));
    Ok(())
}

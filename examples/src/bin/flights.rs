//! A year of real flights through Kafka, none lost: `cargo run --release --bin flights`, and `-- --help`.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
    sync::Arc,
};

use anyhow::ensure;
use clap::Parser as _;
use healer::{Guard, Handle, Report, observe, prelude::*, reports::Directory, testing::EmbeddedKafka};
use healer_examples::flights::{
    database::Database,
    load,
    model::Flight,
    options::Options,
    planes::Planes,
    progress::{self, Progress},
    stages::{LateFlights, enrich, enrich_many, late_only, save, validate},
    summary::Summary,
};

/// Two ways for every flight that took off; its offset is committed when it is at the end of both.
fn pipeline(topic: &str, late_topic: &str) -> App {
    pipeline! {
        name "flights";
        flights = kafka::json::<Flight>(topic) => validate => enrich;
        flights => late_only => kafka::to_json(late_topic) => heal;
        flights => batch(500, within = "1s") => save => heal;
    }
}

/// The same with many look-ups at once.
fn parallel_pipeline(topic: &str, late_topic: &str) -> App {
    pipeline! {
        name "flights";
        flights = kafka::json::<Flight>(topic) => validate => enrich_many;
        flights => late_only => kafka::to_json(late_topic) => heal;
        flights => batch(500, within = "1s") => save => heal;
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // JSON where that is asked for, also for settings that are wrong.
            observe::log_error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    // Listens from the beginning, so that no signal is missed.
    let asked_to_end = tokio::spawn(asked_to_end());

    let embedded = if options.embedded() { Some(EmbeddedKafka::start()?) } else { None };
    let config = options.config(embedded.as_ref())?;
    if options.print_config {
        write!(stdout(), "{}", config.print())?;
        return Ok(());
    }
    // Standard output is for the summary alone. `HEALER_LOG_LEVEL=DEBUG` shows more.
    observe::init_logs(config.logs())?;
    config.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    #[cfg(feature = "opentelemetry")]
    let _traces = observe::init_traces(config.traces())?;
    let server = match options.metrics_address() {
        Some(address) => Some(observe::serve_metrics(address).await?),
        None => None,
    };
    if let Some(server) = &server {
        eprintln!("metrics and health: http://{}/metrics", server.addr());
    }
    let loaded = match &embedded {
        Some(kafka) => Some(load::into_embedded(kafka, options)?),
        None => load::into_brokers(&config, options).await?,
    };
    tracing::info!(?loaded, "the topic is there");

    let database = Arc::new(Database::open(&options.database())?);
    let late = Arc::new(LateFlights::default());
    let pipeline = if options.parallel { parallel_pipeline } else { pipeline };
    let mut app = pipeline(&options.topic, &options.late_topic)
        .with(Planes::load(options.work())?)
        .with_arc(Arc::clone(&database))
        .with_arc(Arc::clone(&late));
    if let Some(folder) = &options.report_dir {
        app = app.report_failures(Directory::new(folder)?);
    }
    let app = app.build(&config)?;
    let handle = if options.ends() { app.start_until_end().await? } else { app.start().await? };
    if let Some(server) = &server {
        server.watch(&handle);
    }
    let guard = options.guard.then(|| Guard::new(config.guard()).watch(&handle).spawn());
    let stopping = handle.clone();
    tokio::spawn(async move {
        if let Ok(Ok(())) = asked_to_end.await {
            stopping.stop();
        }
    });

    let mut progress = if options.json { Progress::hidden() } else { Progress::new(loaded) };
    let report = watch(&handle, &mut progress).await;
    progress.clear();
    if let (Err(_), Some(guard)) = (&report, guard) {
        // It has seen the error as well, and ends the process with the exit code for it.
        guard.await?;
    }

    let summary = Summary::new(options, report?, &late, &database)?;
    if options.json {
        writeln!(stdout(), "{}", serde_json::to_string(&summary)?)?;
    } else {
        writeln!(stdout(), "{summary}")?;
    }
    ensure!(summary.is_complete() || !options.ends(), "ended before everything was done");
    Ok(())
}

/// Shows how far the pipeline is until it ends.
async fn watch(handle: &Handle, progress: &mut Progress) -> Result<Report, healer::Error> {
    let mut tick = tokio::time::interval(progress::EVERY);
    loop {
        tokio::select! {
            report = handle.join() => return report,
            _ = tick.tick() => progress.show(handle.partitions()),
        }
    }
}

/// Waits for ctrl-c or SIGTERM: records in flight are then finished and committed. (`App::run` does this by itself.)
async fn asked_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

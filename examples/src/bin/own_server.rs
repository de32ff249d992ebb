//! Two pipelines inside a web service that is there already: `cargo run --bin own_server`, then
//! `curl localhost:8080/ops/healthz`, `curl localhost:8080/ops/metrics`, `curl localhost:8080/partitions`.
//!
//! An embedded Kafka is started with it, so that nothing else is needed.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use clap::Parser;
use healer::{Handle, observe, prelude::*, testing::EmbeddedKafka};
use serde_json::json;

/// Two pipelines inside a web service.
#[derive(Parser)]
struct Options {
    /// Where the service listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

#[stage]
fn shout(line: &str) -> String {
    line.to_uppercase()
}

#[stage(skip = "blank")]
fn count(line: &str) -> Option<usize> {
    (!line.is_empty()).then(|| line.split_whitespace().count())
}

/// How far the pipelines are, in words of this service.
async fn partitions(State(handles): State<[Handle; 2]>) -> Response {
    let all =
        handles.iter().map(|handle| json!({ "name": handle.name(), "partitions": handle.partitions() }));
    match serde_json::to_string_pretty(&all.collect::<Vec<_>>()) {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let kafka = EmbeddedKafka::start()?;
    for topic in ["lines", "loud", "texts"] {
        kafka.create_topic(topic, 2)?;
    }
    for topic in ["lines", "texts"] {
        kafka.produce(topic, (0..1_000).map(|n| format!("line {n}")))?;
    }

    // Before any pipeline is started; a recorder of the service's own would be built by `observe::buckets`.
    observe::init_metrics()?;
    let shouts =
        pipeline! { name "shouts"; kafka::text("lines") => shout => kafka::to_text("loud") => heal; };
    let counts = pipeline! { name "counts"; kafka::text("texts") => count => heal; };
    let config = Config::builder().brokers(kafka.brokers()).build()?;
    let handles = [shouts.start(config.clone()).await?, counts.start(config).await?];

    let pipelines = observe::Pipelines::new();
    for handle in &handles {
        pipelines.watch(handle);
    }
    let service = Router::new()
        .route("/", get(|| async { "see /partitions, /ops/healthz, /ops/readyz and /ops/metrics\n" }))
        .route("/partitions", get(partitions))
        .with_state(handles.clone())
        .nest("/ops", pipelines.router());
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    println!("listening at http://{}", listener.local_addr()?);
    let ended = async { tokio::signal::ctrl_c().await.unwrap_or_else(|error| eprintln!("error: {error}")) };
    axum::serve(listener, service).with_graceful_shutdown(ended).await?;

    handles.iter().for_each(Handle::stop);
    for handle in &handles {
        println!("{}", serde_json::to_string(&handle.join().await?)?);
    }
    Ok(())
}

//! A stage that rests since it fails on everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use healer::prelude::*;
use healer::testing::TestRecord;
use tracing::Level;

use super::common::until;
use super::{config, filled, lines, page};

#[derive(Default)]
struct Service(AtomicBool);

#[stage(circuit_breaker(3, pause = "20ms"), on_error = skip)]
async fn asks(line: String, #[state] is_down: &Service) -> Result<String, String> {
    if is_down.0.load(Relaxed) { Err("the service is down".to_owned()) } else { Ok(line) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_circuit_is_a_metric_a_health_entry_and_a_line_with_the_error_that_opened_it() {
    lines::listen();
    page::serve();
    let kafka = filled("asked", (0..1_000).map(|n| n.to_string()));
    let service = Arc::new(Service(AtomicBool::new(true)));
    let app = pipeline! { name "asked"; lines = kafka::text("asked") => asks; lines => heal; };
    let handle = app.with_arc(Arc::clone(&service)).start(config(&kafka)).await.unwrap();
    let is_open = || page::samples("healer_stage_circuit_open", "asked") == [1.0];
    until("the gauge says that it is open", is_open).await;
    let health = handle.health();
    let [open] = &health.open_circuits[..] else { panic!("{health:?}") };
    assert_eq!((&*open.stage, open.error.as_str()), ("lines.asks", "the service is down"));
    assert!(open.failures >= 3 && !health.is_well() && health.faults().is_empty(), "{health:?}");

    service.0.store(false, Relaxed);
    until("it is closed", || handle.health().open_circuits.is_empty()).await;
    until("the gauge says so", || page::samples("healer_stage_circuit_open", "asked") == [0.0]).await;
    assert_eq!(page::samples("healer_stage_circuit_openings_total", "asked"), [1.0]);
    let opened = lines::that_say("asked", "its circuit is open");
    let [line] = &opened[..] else { panic!("it opened once: {opened:?}") };
    assert_eq!((line.level, line.text("error")), (Level::WARN, "the service is down"));
    assert_eq!((line.place(), line.text("emit_id").len()), (("asked", 0, 2, "lines.asks"), 36));
    let closed = lines::that_say("asked", "the circuit is closed");
    assert!(closed.len() == 1 && closed[0].level == Level::INFO, "{closed:?}");

    service.0.store(true, Relaxed);
    kafka.produce("asked", (0..10).map(|n| TestRecord::new().value(n.to_string()))).unwrap();
    let openings = || page::samples("healer_stage_circuit_openings_total", "asked") == [2.0];
    until("it opens anew", openings).await;
    handle.stop();
    handle.join().await.unwrap();
}

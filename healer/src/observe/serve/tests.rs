//! The server, asked over a socket.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{Pipelines, STOP_WITHIN, ServeError, Server, open, recorder, render, serve_health};
use crate::{
    engine::Phase,
    guard::fake::{Fake, broken},
};

/// An answer of the server.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// In small letters.
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        assert!(self.head.contains("content-type: application/json"), "{self:?}");
        serde_json::from_str(&self.body).expect("JSON")
    }
}

async fn ask(server: &Server, request: &str) -> Answer {
    ask_at(server.addr(), request).await
}

async fn ask_at(addr: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).await.expect("it listens");
    let request = format!("{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

async fn start() -> Server {
    serve_health("127.0.0.1:0").await.unwrap()
}

fn watch(server: &Server, name: &str) -> Arc<Fake> {
    let pipeline = Fake::new(name);
    let watched: Arc<Fake> = Arc::clone(&pipeline);
    server.pipelines.watch_any(watched);
    pipeline
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn without_a_pipeline_it_is_healthy_and_not_ready() {
    let server = start().await;
    let health = ask(&server, "GET /healthz").await;
    assert_eq!((health.status, health.json()), (200, json!({ "healthy": true, "pipelines": [] })));
    let ready = ask(&server, "GET /readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reason"], "no pipeline is watched yet");
}

#[tokio::test]
async fn a_pipeline_that_is_well_is_healthy_and_ready() {
    let server = start().await;
    let _pipeline = watch(&server, "orders");
    let health = ask(&server, "GET /healthz").await;
    let expected =
        json!({ "healthy": true, "pipelines": [{ "name": "orders", "healthy": true, "faults": [] }] });
    assert_eq!((health.status, health.json()), (200, expected));
    let ready = ask(&server, "GET /readyz").await;
    let expected =
        json!({ "ready": true, "pipelines": [{ "name": "orders", "ready": true, "reason": null }] });
    assert_eq!((ready.status, ready.json()), (200, expected));
}

#[tokio::test]
async fn a_pipeline_that_is_unassigned_or_drains_is_healthy_and_not_ready() {
    let server = start().await;
    let (_well, pipeline) = (watch(&server, "bills"), watch(&server, "orders"));
    pipeline.set(|health| health.assigned = 0);
    let ready = ask(&server, "GET /readyz").await;
    assert_eq!(ready.status, 503);
    let pipelines = &ready.json()["pipelines"];
    assert_eq!((&pipelines[0]["ready"], &pipelines[1]["ready"]), (&json!(true), &json!(false)));
    assert_eq!(pipelines[1]["reason"], "no partition is assigned to it");

    pipeline.set(|health| {
        health.assigned = 1;
        health.phase = Phase::Draining;
    });
    let ready = ask(&server, "GET /readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("takes no more records"), "{ready:?}");
    assert_eq!(ask(&server, "GET /healthz").await.status, 200);
}

#[tokio::test]
async fn a_pipeline_that_died_is_not_hidden_by_one_that_lives() {
    let server = start().await;
    let (_lives, dies) = (watch(&server, "orders"), watch(&server, "bills"));
    dies.end(Err(broken()));
    // Before and after it was let go of.
    for _ in 0..2 {
        let health = ask(&server, "GET /healthz").await;
        let pipelines = &health.json()["pipelines"];
        assert_eq!(health.status, 503);
        assert_eq!((&pipelines[0]["healthy"], &pipelines[1]["healthy"]), (&json!(true), &json!(false)));
        assert!(pipelines[1]["faults"].as_array().is_some_and(|faults| !faults.is_empty()), "{health:?}");
        let ready = ask(&server, "GET /readyz").await;
        assert_eq!(ready.status, 503);
        assert!(ready.body.contains("an error ended it: the broker gave up"), "{ready:?}");
        until("it is let go of", || Arc::strong_count(&dies) == 1).await;
    }
}

#[tokio::test]
async fn a_pipeline_that_ended_well_is_healthy_and_not_ready() {
    let server = start().await;
    let pipeline = watch(&server, "orders");
    pipeline.end(Ok(()));
    assert_eq!(ask(&server, "GET /healthz").await.status, 200);
    let ready = ask(&server, "GET /readyz").await;
    assert_eq!((ready.status, &ready.json()["pipelines"][0]["reason"]), (503, &json!("it has ended")));
}

#[tokio::test]
async fn a_pipeline_that_was_started_anew_takes_the_place_of_the_one_that_ended() {
    let server = start().await;
    let (first, twin) = (watch(&server, "orders"), watch(&server, "orders"));
    first.end(Err(broken()));
    assert_eq!(ask(&server, "GET /healthz").await.status, 503);
    let _again = watch(&server, "orders");
    let health = ask(&server, "GET /healthz").await;
    assert_eq!(health.status, 200, "{health:?}");
    // One that runs is not replaced by another of its name.
    assert_eq!(health.json()["pipelines"].as_array().map(Vec::len), Some(2));
    twin.end(Err(broken()));
    assert_eq!(ask(&server, "GET /healthz").await.status, 503);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_and_head_has_no_body() {
    let server = start().await;
    let nowhere = ask(&server, "GET /healthz/more").await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.body.contains("/readyz"), "{nowhere:?}");
    assert_eq!(ask(&server, "POST /healthz").await.status, 405);
    let head = ask(&server, "HEAD /healthz").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.head.contains("application/json"), "{head:?}");
    assert_eq!(ask(&server, "HEAD /readyz").await.status, 503);
}

#[tokio::test]
async fn without_a_recorder_there_are_no_metrics() {
    let server = start().await;
    let metrics = ask(&server, "GET /metrics").await;
    assert_eq!(metrics.status, 404);
    assert!(metrics.body.contains("for health alone"), "{metrics:?}");
}

#[tokio::test]
async fn metrics_come_as_prometheus_reads_them_and_histograms_have_buckets() {
    let recorder = recorder::recorder();
    metrics::with_local_recorder(&recorder, || {
        metrics::histogram!("healer_stage_duration_seconds", "stage" => "a.b").record(0.000_3);
        metrics::histogram!("healer_stage_input_bytes").record(100.0);
        metrics::counter!("healer_commits_total").increment(7);
    });
    let handle = recorder.handle();
    let server = open("127.0.0.1:0", || Ok(Some(handle))).await.unwrap();
    let metrics = ask(&server, "GET /metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{metrics:?}");
    for line in [
        "# TYPE healer_stage_duration_seconds histogram",
        "healer_stage_duration_seconds_bucket{stage=\"a.b\",le=\"0.00001\"} 0",
        "healer_stage_duration_seconds_bucket{stage=\"a.b\",le=\"0.00025\"} 0",
        "healer_stage_duration_seconds_bucket{stage=\"a.b\",le=\"0.0005\"} 1",
        "healer_stage_duration_seconds_bucket{stage=\"a.b\",le=\"60\"} 1",
        "healer_stage_duration_seconds_count{stage=\"a.b\"} 1",
        "healer_stage_input_bytes_bucket{le=\"64\"} 0",
        "healer_stage_input_bytes_bucket{le=\"256\"} 1",
        "healer_stage_input_bytes_bucket{le=\"16777216\"} 1",
        "healer_commits_total 7",
    ] {
        assert!(metrics.body.lines().any(|given| given == line), "{line} is missing in\n{}", metrics.body);
    }
}

#[tokio::test]
async fn a_part_of_another_server_tells_of_pipelines_and_leaves_the_rest_to_it() {
    let pipelines = Pipelines::new();
    let site = Router::new()
        .route("/metrics", get(|| async { "the site's own" }))
        .merge(pipelines.router())
        .nest("/inside", pipelines.router())
        .fallback(|| async { (StatusCode::NOT_FOUND, "the site's own") });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, site).await });
    assert_eq!(ask_at(addr, "GET /readyz").await.status, 503, "none is watched yet");
    let (orders, bills) = (Fake::new("orders"), Fake::new("bills"));
    for pipeline in [&orders, &bills] {
        let watched: Arc<Fake> = Arc::clone(pipeline);
        pipelines.watch_any(watched);
    }
    for path in ["", "/inside"] {
        let health = ask_at(addr, &format!("GET {path}/healthz")).await;
        assert_eq!((health.status, health.json()["pipelines"].as_array().map(Vec::len)), (200, Some(2)));
        assert_eq!(ask_at(addr, &format!("GET {path}/readyz")).await.status, 200);
    }
    bills.end(Err(broken()));
    assert_eq!(ask_at(addr, "GET /inside/healthz").await.status, 503);
    // Nobody asked for a recorder, so there is no route for it either.
    assert_eq!(ask_at(addr, "GET /inside/metrics").await.status, 404);
    for path in ["/metrics", "/nowhere"] {
        assert_eq!(ask_at(addr, &format!("GET {path}")).await.body, "the site's own");
    }
    assert!(matches!(render(), Err(ServeError::NoRecorder)));
}

#[tokio::test]
async fn a_used_port_is_named_before_anything_is_installed() {
    let server = start().await;
    let mut installed = false;
    let used = server.addr().to_string();
    let second = open(&used, || {
        installed = true;
        Ok(None)
    });
    let error = second.await.unwrap_err();
    assert!(matches!(&error, ServeError::InUse { address } if *address == used), "{error:?}");
    assert!(
        error.to_string().contains(&used) && error.to_string().contains("choose another port"),
        "{error}"
    );
    assert!(!installed);
}

#[tokio::test]
async fn an_address_that_is_none_is_named() {
    for address in ["8000", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:70000", ""] {
        let error = serve_health(address).await.unwrap_err();
        assert!(
            matches!(&error, ServeError::Address { address: named, .. } if named == address),
            "{error:?}"
        );
        assert!(error.to_string().contains("127.0.0.1:8000"), "{error}");
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    // Of the range that is for documentation alone.
    let elsewhere: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let error = serve_health(elsewhere).await.unwrap_err();
    assert!(matches!(&error, ServeError::Listen { address, .. } if address == "192.0.2.1:0"), "{error:?}");
}

#[tokio::test]
async fn after_a_stop_the_port_is_free() {
    let server = start().await;
    let addr = server.addr();
    assert_eq!(ask(&server, "GET /healthz").await.status, 200);
    server.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
    let again = serve_health(addr).await.unwrap();
    assert_eq!(again.addr(), addr);
}

#[tokio::test]
async fn an_open_connection_does_not_hold_up_a_stop() {
    let server = start().await;
    let _silent = TcpStream::connect(server.addr()).await.unwrap();
    let mut half = TcpStream::connect(server.addr()).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < STOP_WITHIN + Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_is_dropped_stops() {
    let server = start().await;
    let addr = server.addr();
    drop(server);
    until("the port is free", || std::net::TcpStream::connect(addr).is_err()).await;
}

//! Metrics and health in a server and a recorder that are the program's own. One test, since a recorder is the process's.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use axum::routing::get;
use common::{settings, until};
use healer::observe::{self, ServeError};
use healer::prelude::*;
use healer::testing::EmbeddedKafka;
use serde_json::Value;

#[stage]
fn shout(line: &str) -> String {
    line.to_uppercase()
}

fn ask(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_serves_metrics_and_health_by_a_server_of_its_own() {
    let refused = observe::render().unwrap_err();
    assert!(matches!(refused, ServeError::NoRecorder), "{refused:?}");
    assert!(refused.to_string().contains("`healer::observe::init_metrics`"), "{refused}");
    observe::init_metrics().unwrap();
    observe::init_metrics().expect("twice is once");

    let kafka = EmbeddedKafka::start().unwrap();
    for topic in ["orders", "bills"] {
        kafka.create_topic(topic, 2).unwrap();
        kafka.produce(topic, (0..10).map(|n| format!("line {n}"))).unwrap();
    }
    let start = |name: &'static str| {
        let app = App::new(name).chain(kafka::text(name).stream("lines").then(shout::stage()).heal());
        app.start(settings(kafka.brokers(), name).build().unwrap())
    };
    let (orders, bills) = (start("orders").await.unwrap(), start("bills").await.unwrap());
    let (pipelines, state) = (observe::Pipelines::new(), orders.clone());
    pipelines.watch(&orders);
    pipelines.watch(&bills);
    let site = Router::new()
        .route("/", get(|| async { "welcome" }))
        .route("/state", get(move || async move { serde_json::to_string(&state.health()).unwrap() }))
        .merge(pipelines.router())
        .nest("/orders", observe::router(&orders));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, site).await });

    let names = |path: &str| -> Vec<String> {
        let said: Value = serde_json::from_str(&ask(addr, path).1).unwrap();
        let all = said["pipelines"].as_array().unwrap();
        all.iter().map(|said| said["name"].as_str().unwrap().to_owned()).collect()
    };
    let done = |name: &str| {
        observe::render().unwrap().contains(&format!("healer_records_healed_total{{pipeline=\"{name}\"}} 10"))
    };
    until("all is healed", || done("orders") && done("bills")).await;
    until("both are ready", || ask(addr, "/readyz").0 == 200).await;
    assert_eq!(
        (ask(addr, "/healthz").0, names("/healthz")),
        (200, vec!["orders".to_owned(), "bills".to_owned()])
    );
    assert_eq!((ask(addr, "/orders/healthz").0, names("/orders/readyz")), (200, vec!["orders".to_owned()]));
    assert_eq!(ask(addr, "/").1, "welcome");
    for path in ["/metrics", "/orders/metrics"] {
        let (status, page) = ask(addr, path);
        assert_eq!(status, 200);
        assert!(page.contains("healer_records_healed_total{pipeline=\"bills\"} 10"), "{page}");
        assert!(page.contains("healer_stage_duration_seconds_bucket{"), "{page}");
    }
    let state: Value = serde_json::from_str(&ask(addr, "/state").1).unwrap();
    assert_eq!((&state["phase"], &state["assigned"]), (&"running".into(), &2.into()));
    assert!(state["polled"].is_f64() && state["error"].is_null(), "{state}");

    bills.stop();
    bills.join().await.unwrap();
    until("the one that ended is not ready", || ask(addr, "/readyz").0 == 503).await;
    assert_eq!(ask(addr, "/orders/readyz").0, 200, "the other one is");
    orders.stop();
    let report = serde_json::to_value(orders.join().await.unwrap()).unwrap();
    assert_eq!((&report["healed"], report["partitions"][0]["topic"].as_str()), (&10.into(), Some("orders")));
}

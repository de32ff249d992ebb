//! The answer at each path.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};

use super::{recorder, watches::Watches};
use crate::engine::{Health, Phase};

/// The text format of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes. Without `metrics` they are somebody else's business, and so is their path.
pub(super) fn router(watches: Arc<Watches>, metrics: Option<PrometheusHandle>) -> Router {
    let router = Router::new()
        .route("/healthz", get(|State(watches): State<Arc<Watches>>| async move { watches.health() }))
        .route("/readyz", get(|State(watches): State<Arc<Watches>>| async move { watches.readiness() }))
        .with_state(watches);
    let Some(metrics) = metrics else { return router };
    let page = |State(metrics): State<PrometheusHandle>| async move {
        ([(CONTENT_TYPE, PROMETHEUS)], recorder::page(&metrics))
    };
    router.merge(Router::new().route("/metrics", get(page)).with_state(metrics))
}

/// The same for a server that has nothing else.
pub(super) fn whole(watches: Arc<Watches>, metrics: Option<PrometheusHandle>) -> Router {
    let text = match &metrics {
        Some(_) => "there are /metrics, /healthz and /readyz here\n",
        None => {
            "there are /healthz and /readyz here: no metrics are exported, this server was started for health alone\n"
        }
    };
    router(watches, metrics).fallback(move || async move { (StatusCode::NOT_FOUND, text) })
}

impl Watches {
    /// Whether all pipelines are well. Where none is watched yet, nothing is wrong.
    fn health(&self) -> Response {
        let mut healthy = true;
        let mut pipelines = Vec::new();
        for seen in self.look() {
            let faults = seen.health.faults();
            healthy &= faults.is_empty();
            pipelines.push(json!({ "name": seen.name, "healthy": faults.is_empty(), "faults": faults }));
        }
        answer(healthy, &json!({ "healthy": healthy, "pipelines": pipelines }))
    }

    /// Whether all pipelines take records.
    fn readiness(&self) -> Response {
        let all = self.look();
        if all.is_empty() {
            let reason = "no pipeline is watched yet";
            return answer(false, &json!({ "ready": false, "reason": reason, "pipelines": [] }));
        }
        let mut ready = true;
        let mut pipelines = Vec::new();
        for seen in all {
            let reason = unready(&seen.health);
            ready &= reason.is_none();
            pipelines.push(json!({ "name": seen.name, "ready": reason.is_none(), "reason": reason }));
        }
        answer(ready, &json!({ "ready": ready, "pipelines": pipelines }))
    }
}

/// Why a pipeline is not ready; `None`: it is.
fn unready(health: &Health) -> Option<String> {
    if health.is_ready() {
        return None;
    }
    Some(match (health.phase, &health.error) {
        (Phase::Running, _) => match &health.waiting {
            Some(waiting) => format!(
                "no partition is assigned to it, for {} s: {}",
                waiting.lasting.as_secs(),
                waiting.reason
            ),
            None => "no partition is assigned to it".to_owned(),
        },
        (Phase::Draining, _) => "it takes no more records, and finishes those in flight".to_owned(),
        (Phase::Ended, None) => "it has ended".to_owned(),
        (Phase::Ended, Some(error)) => format!("an error ended it: {error}"),
    })
}

fn answer(is_good: bool, body: &Value) -> Response {
    let status = if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

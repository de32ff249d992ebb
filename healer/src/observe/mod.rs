//! A pipeline as an operator sees it: metrics, logs, health. The `metrics` and `tracing` facades are used throughout. Nothing is
//! recorded or written until the program installs a recorder or a subscriber, itself or by the functions here.
//!
//! | to | call | feature |
//! | --- | --- | --- |
//! | export metrics and health over HTTP | [`serve_metrics`], [`serve_health`] | `serve`, on by default |
//! | answer for metrics and health in a server of your own | [`router`], [`render`] | `serve` |
//! | write logs, each line with its record | [`init_logs`], or [`LogLayer`] in a subscriber of your own | `logs`, on by default |
//! | log the error that ends a program, as JSON where that is asked for | [`log_error`] | `logs`, on by default |
//! | log the data of records | [`log_data`] | |
//! | know which record a stage works on | [`current`](fn@current) | |
//! | send traces of records to OpenTelemetry | `init_traces` | `opentelemetry` |
//!
//! `docs/operations.md` explains each metric.

mod complaints;
mod current;
mod data;
mod dropped;
mod given_up;
#[cfg(feature = "logs")]
mod logs;
mod meters;
mod names;
#[cfg(feature = "serve")]
mod serve;
mod stages;
#[cfg(feature = "opentelemetry")]
mod traces;
#[cfg(not(feature = "opentelemetry"))]
#[path = "untraced.rs"]
mod traces;

use std::fmt;

pub(crate) use complaints::Complaints;
pub use current::{Current, current};
pub(crate) use current::{Here, Inside, Named, at, enter, set, topic, topic_name};
pub use data::{Redact, log_data};
pub(crate) use data::{emitted, logs_data};
pub(crate) use dropped::tell as tell_dropped;
pub(crate) use given_up::{AllGivenUp, Fate, GivenUp};
#[cfg(all(feature = "logs", test))]
pub(crate) use logs::tests::Written;
#[cfg(feature = "logs")]
pub use logs::{LogLayer, LogsError, init_logs, log_error};
pub(crate) use meters::{Meters, Sight};
#[cfg(feature = "serve")]
pub use serve::{
    DEFAULT_ADDRESS, Pipelines, ServeError, Server, buckets, init_metrics, render, router, serve_health,
    serve_metrics,
};
pub(crate) use stages::{LaneCounts, Measures, Rare, StageCounts, Watch};
pub(crate) use traces::{Span, Trace, TracedSource, Tracing};
#[cfg(feature = "opentelemetry")]
pub use traces::{Traces, TracesError, init_traces};

/// How the work of a span has ended: whether it gave something, or why it failed.
pub(crate) type Ended<'e> = Result<bool, &'e dyn fmt::Display>;

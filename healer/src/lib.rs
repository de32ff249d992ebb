//! Kafka records that must not be lost: a typed pipeline whose offsets cannot leak.
//!
//! You write plain functions, mark them [`#[stage]`](macro@stage) and compose them with [`pipeline!`]; each record's offset
//! travels beside its value, and is committed only when every record below it is done. Start with the [`prelude`].
//!
//! ```no_run
//! use healer::prelude::*;
//!
//! #[stage(skip = "blank")]
//! fn loud(line: String) -> Option<String> {
//!     (!line.is_empty()).then(|| line.to_uppercase())
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let app = pipeline! {
//!     name "shout";
//!     lines = kafka::text("lines") => loud;
//!     lines => kafka::to_text("loud-lines") => heal;
//! };
//! app.run(Config::builder().brokers("localhost:9092").build()?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to | see |
//! | --- | --- |
//! | read and write topics | [`kafka`], [`Source`], [`Sink`], [`Codec`], [`RawJson`] |
//! | transform, skip, branch, join | [`Stream`], [`union`](fn@union) |
//! | try again, skip, put aside | [`OnError`], [`dead_letter`], [`Transient`] |
//! | work on many rows at once | [`Batch`], [`BatchMut`], [`Stream::batch`], [`Stream::unbatch`] |
//! | know a record's key, headers, offset | [`Context`] |
//! | configure | [`Config`] |
//! | run, watch, pause, seek and stop | [`App`], [`Handle`], [`Report`] |
//! | see metrics, logs and health | [`observe`] |
//! | look into failures | [`reports`] |
//! | have a process that is beyond help started anew | [`Guard`] |
//! | test without a server | `testing` (feature `testing`) |
//!
//! # Promises
//! - An offset is committed only when all records below it are healed, skipped with a reason, or dead letters that the
//!   broker has acknowledged, and the commit counts only
//!   when the broker has acknowledged it.
//! - A stage that fails, panics, forgets its items or is cancelled leaves its record pending; the error names it.
//! - After a crash records are at worst processed again.
//!
//! # Features
//! `serve` (metrics and health over HTTP), `logs` (log lines, each with its record) and `sled` (the store on disk) are on by default.
//! `webhook`, `object-store`, `s3` and `gcs` are ways for failure reports to go, `opentelemetry` sends traces ([`observe`]); `ssl`,
//! `ssl-vendored`, `gssapi` and `zstd` add the parts that the default build of librdkafka lacks; `testing` adds an embedded Kafka.

// So that the code of the macros resolves inside this crate as well.
extern crate self as healer;

mod app;
mod broker;
mod chain;
mod codec;
pub mod config;
mod context;
pub mod dead_letter;
mod engine;
mod envelope;
mod error;
mod guard;
mod journal;
mod json;
pub mod kafka;
mod lane;
mod names;
pub mod observe;
mod operators;
pub mod prelude;
mod record;
pub mod reports;
pub mod store;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod topology;
mod unfinished;

pub use app::{App, Built};
pub use broker::Outage;
pub use chain::{Batch, Branch, Chain, Healed, Link, Stream};
pub use codec::{Bincode, Bytes, Codec, CodecContext, CodecError, Decode, Encode, Json, Part, RawJson, Text};
pub use config::{Config, ConfigBuilder, ConfigError, OutOfRange, Protocol, Start};
pub use context::{Context, Origin};
pub use engine::{
    Blocked, CommitHealth, Commits, CommittedOffset, Handle, Health, HeldBack, HeldPartition,
    PartitionReport, PartitionState, PartitionStatus, Phase, Report, SaveHealth, SeekError, SeekTo, Stalled,
    WaitingForPartitions,
};
pub use error::{BoxError, BuildError, Error, RecordError, RecordErrorKind, RowRange, StartError};
pub use guard::{Guard, GuardEnd};
#[doc = include_str!("docs/checkpoint.md")]
pub use healer_macros::checkpoint;
#[doc = include_str!("docs/pipeline.md")]
pub use healer_macros::pipeline;
#[doc = include_str!("docs/stage.md")]
pub use healer_macros::stage;
pub use lane::{OpenCircuit, SendHealth};
pub use operators::{BatchMut, Port, Sink, Source, Transient, WrongLength, union};
pub use record::Headers;
pub use stream::FanOut;
pub use topology::{Description, OnError};
pub use unfinished::Plain;

/// The items that the macros name. Nothing here can mint or settle an offset; nothing here is for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        chain::{Accepts, Here, Operator},
        operators::{
            Again, AgainStage, Asked, AsyncStage, Awaited, BatchKind, BatchMutKind, BatchMutStage,
            BatchStage, Blocking, Checkpointed, CheckpointedStage, FlatKind, FlatStage, Function, Gathered,
            Gives, HasJson, HasNone, IsBatch, IsBatchMut, IsOption, IsResult, IsStage, Kept, Kind,
            LastResort, Lends, MayLend, Outlet, ParallelKind, ParallelStage, PlainShape, Policy, Reporting,
            RetryingKind, SaysNothing, SaysSo, Shape, Shown, Stage, SyncKind, SyncStage, TaskKind, Verdict,
            copy_to_report, name_of_list, order_key, report_input, report_rows,
        },
        topology::{Most, Need, Order, Parallel},
        unfinished::typed,
    };
    pub use healer_macros::beside;
    pub use std::sync::Arc;

    /// The meaning of a node's name where there is a function of that name and no stage.
    pub mod nodes {
        pub use crate::operators::Function as __node;

        /// The meaning of a name that nothing has.
        pub fn nothing() {}
    }

    /// The batch that a stage reads, where the macro read another name of `Batch`.
    #[inline]
    pub fn rows<R: IsBatch>(rows: &crate::Batch<R::Row>) -> &R {
        R::rows(rows)
    }

    /// The function's result, where the macro read `Result`.
    ///
    /// # Errors
    /// Those of the function.
    #[inline]
    pub fn result<T, E, R: IsResult<T, E>>(returned: R) -> Result<T, E> {
        returned.result()
    }

    /// The function's result, where the macro read `Option`.
    #[inline]
    pub fn option<T, R: IsOption<T>>(returned: R) -> Option<T> {
        returned.option()
    }

    /// The lineage and the claim in the text beside a committed offset: its decoder, for the fuzz target.
    pub fn decode_metadata(
        text: &str,
        committed: i64,
        mark: u64,
    ) -> Option<(u64, Option<healer_store::DoneAbove>)> {
        crate::engine::decode_metadata(text, committed, mark).map(|said| (said.lineage, said.claim))
    }

    /// A copy for one more attempt; asked for by `retry` at its own place.
    pub fn repeat<T, K: crate::chain::Repeats<T>>(_: K, value: &T) -> T {
        K::repeat(value)
    }

    /// Appends a checkpoint's JSON; asked for by `#[checkpoint]` at the type that the stage gives.
    ///
    /// # Errors
    /// A value that has no JSON form.
    pub fn encode_checkpoint<T, K: crate::chain::Keeps<T>>(
        _: K,
        value: &T,
        into: &mut Vec<u8>,
    ) -> Result<(), crate::BoxError> {
        K::encode(value, into)
    }
}

/// The example of the README is compiled as well.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../README.md")]
struct Readme;

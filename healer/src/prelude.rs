//! The names that a file with stages and pipelines needs: `use healer::prelude::*;`.

pub use crate::{
    App, Batch, Config, Context, OnError, Plain, Rows, checkpoint, kafka, pipeline, stage, union,
};

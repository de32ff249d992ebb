//! The names that a file with stages and pipelines needs: `use healer::prelude::*;`.

pub use crate::{
    App, Batch, BatchMut, Config, Context, OnError, Plain, checkpoint, kafka, pipeline, stage, union,
};

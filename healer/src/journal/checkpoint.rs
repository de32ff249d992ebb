//! The last output of a node, kept as JSON so that people and other programs can read it.

use serde::{Deserialize, Serialize};

use super::codec::Row;

/// The last value that a node gave out for a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The node's name, unique among the nodes of the pipeline that store something.
    pub node: String,
    /// The topic of the record that the value came from.
    pub topic: String,
    /// The partition of that record.
    pub partition: i32,
    /// The offset of that record.
    pub offset: i64,
    /// The name of the value's type: a value of another type must not be resumed from.
    pub type_name: String,
    /// The value as JSON text.
    pub json: Vec<u8>,
}

impl Row for Checkpoint {
    const VERSION: u8 = 1;
}

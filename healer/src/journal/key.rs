//! Keys that no name can forge: each part carries its length, so no part can run into the next.
//!
//! A key is the mark of its layout, then cluster, group and pipeline; then, in a checkpoint, the node; then topic and partition; then, in a row
//! that a node keeps, the node and the row's own key.

use healer_store::StoreError;
use xxhash_rust::xxh3::xxh3_64;

use super::Scope;

/// The longest name of a cluster, group, pipeline, node or topic, in bytes. Kafka's own limit for topics is 249.
pub const MAX_NAME_BYTES: usize = 1 << 12;

/// Begins every key. Keys of the layout before began with the length of the pipeline's name, which is never that high.
const LAYOUT: [u8; 2] = [0xff, 2];

/// A key under construction; scans look for its prefixes.
#[derive(Clone)]
pub(super) struct Key(Vec<u8>);

impl Key {
    /// Begins all keys of all scopes.
    pub(super) fn any() -> Self {
        Self(LAYOUT.to_vec())
    }

    pub(super) fn of(scope: &Scope) -> Result<Self, StoreError> {
        let key = Self::any().name("the cluster's id", &scope.cluster)?;
        key.name("the group's name", &scope.group)?.name("the pipeline's name", &scope.pipeline)
    }

    /// Begins the keys of a pipeline in the layout that knew neither clusters nor groups.
    pub(super) fn before_scopes(pipeline: &str) -> Result<Self, StoreError> {
        Self(Vec::new()).name("the pipeline's name", pipeline)
    }

    pub(super) fn node(self, node: &str) -> Result<Self, StoreError> {
        self.name("a node's name", node)
    }

    pub(super) fn partition(self, topic: &str, partition: i32) -> Result<Self, StoreError> {
        let mut key = self.name("a topic's name", topic)?;
        // With the sign bit turned over, bytes sort as numbers do.
        key.0.extend_from_slice(&(partition ^ i32::MIN).to_be_bytes());
        Ok(key)
    }

    /// The row's own key, as the last part.
    pub(super) fn row(mut self, key: &[u8]) -> Self {
        self.0.extend_from_slice(key);
        self
    }

    fn name(mut self, what: &str, name: &str) -> Result<Self, StoreError> {
        let length = u16::try_from(name.len()).ok().filter(|&length| usize::from(length) <= MAX_NAME_BYTES);
        let Some(length) = length else {
            return Err(StoreError::TooLarge {
                what: what.to_owned(),
                bytes: name.len() as u64,
                limit: MAX_NAME_BYTES as u64,
            });
        };
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(name.as_bytes());
        Ok(self)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The scope that a key belongs to; `None` for bytes that are no key of ours.
pub(super) fn scope_of(key: &[u8]) -> Option<Scope> {
    let rest = key.strip_prefix(&LAYOUT)?;
    let (cluster, rest) = name_of(rest)?;
    let (group, rest) = name_of(rest)?;
    let (pipeline, _) = name_of(rest)?;
    Some(Scope { cluster, group, pipeline })
}

/// The node and the key of a row, in the part of a key behind its partition.
pub(super) fn row_of(rest: &[u8]) -> Option<(String, Vec<u8>)> {
    name_of(rest).map(|(node, key)| (node, key.to_vec()))
}

/// The name that a key goes on with, and the rest.
fn name_of(key: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = key.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((String::from_utf8(name.to_vec()).ok()?, rest))
}

impl Scope {
    /// A number that commits of one partition in this scope are marked with; it never changes.
    pub(crate) fn mark(&self, topic: &str, partition: i32) -> u64 {
        let key = Key::of(self).and_then(|key| key.partition(topic, partition));
        // A name that is too long for a key is refused when the journal is opened, and by every broker.
        xxh3_64(&key.map(Key::into_bytes).unwrap_or_default())
    }
}

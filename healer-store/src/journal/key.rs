//! Keys that no name can forge: each part carries its length, so no part can run into the next.

use crate::store::StoreError;

/// The longest pipeline, node or topic name, in bytes. Kafka's own limit for topics is 249.
pub const MAX_NAME_BYTES: usize = 1 << 12;

/// A key under construction; its prefixes are what scans look for.
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn of(pipeline: &str) -> Result<Self, StoreError> {
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

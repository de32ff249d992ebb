//! rdkafka panics where bytes from the network should be UTF-8 and are not; here such a panic becomes an error.
//!
//! Its safe interface has no other way to these bytes. The panic message still reaches the process's panic hook: to
//! keep it from there would mean to change the hook of the whole program. Under `panic = "abort"` nothing can be
//! caught, and such a record ends the process (before anything is committed past it).

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::{
    message::{BorrowedHeaders, Header, Headers as _},
    topic_partition_list::TopicPartitionListElem,
};

use crate::{
    broker::{BadHeaders, MetadataNotText},
    context::Headers,
};

/// Appends all headers of a record.
pub(super) fn headers(from: &BorrowedHeaders, into: &mut Headers) -> Result<(), BadHeaders> {
    for index in 0..from.count() {
        let header = at(from, index)?;
        into.push(header.key, header.value);
    }
    Ok(())
}

/// The value of the last header of that name; `None` as well where one cannot be read.
#[cfg(feature = "opentelemetry")]
pub(super) fn header(from: &BorrowedHeaders, name: &str) -> Option<Vec<u8>> {
    let mut value = None;
    for index in 0..from.count() {
        let header = at(from, index).ok()?;
        if header.key == name {
            value = header.value;
        }
    }
    value.map(<[u8]>::to_vec)
}

fn at(from: &BorrowedHeaders, index: usize) -> Result<Header<'_, &[u8]>, BadHeaders> {
    // Nothing is borrowed mutably inside, so nothing can be left half done.
    let header = catch_unwind(AssertUnwindSafe(|| from.try_get(index)))
        .map_err(|_| BadHeaders { why: format!("the name of header {} is not UTF-8", index + 1) })?;
    header.ok_or_else(|| BadHeaders { why: format!("header {} cannot be parsed", index + 1) })
}

/// The metadata of a committed offset.
pub(super) fn metadata(of: &TopicPartitionListElem<'_>) -> Result<String, MetadataNotText> {
    catch_unwind(AssertUnwindSafe(|| of.metadata().to_owned())).map_err(|_| MetadataNotText)
}

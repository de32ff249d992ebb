//! Headers that cannot be kept: the log says so, but not for each record.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::Instant,
};

use super::complaints::Complaints;
use crate::record::{Millis, emit_id};

static COMPLAINTS: LazyLock<Mutex<Complaints>> = LazyLock::new(Mutex::default);

/// Tells of a record some of whose headers cannot be kept.
#[cold]
pub(crate) fn tell(topic: &str, partition: i32, offset: i64, timestamp: Millis, dropped: usize) {
    // The lock is given back first: a listener of the log may run a pipeline itself.
    let records = COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner).add(1, Instant::now());
    if let Some(records) = records {
        tracing::warn!(
            emit_id = %emit_id(topic, partition, offset, timestamp.get()),
            topic,
            partition,
            offset,
            dropped,
            records,
            "headers whose names are not UTF-8 are left out of what is sent: mend the producer of these records"
        );
    }
}

//! Fetching: records out of librdkafka's queue, lent to the engine.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rdkafka::consumer::Consumer as _;

use super::{client_errors::lock, context::Consumer, metadata::bounded, records::Lent, slots::Slots};
use crate::broker::{RecordRef, Source};

/// A chunk of so many bytes is whole: its records stay beside those that are fetched meanwhile.
const CHUNK_BYTES: usize = 1 << 20;

/// The fetching end of a consumer.
pub(crate) struct KafkaSource {
    consumer: Arc<Consumer>,
    pub(super) slots: Mutex<Slots>,
    /// Records of partitions that are not assigned (any more), thrown away.
    pub(super) strays: AtomicU64,
    /// How many records the last chunk had: the next one makes room for about as many.
    last: AtomicUsize,
}

impl KafkaSource {
    pub(super) fn new(consumer: Arc<Consumer>) -> Self {
        Self { consumer, slots: Mutex::default(), strays: AtomicU64::new(0), last: AtomicUsize::new(0) }
    }
}

impl Source for KafkaSource {
    fn poll(&self, max: usize, wait: Duration, each: &mut dyn FnMut(&[RecordRef<'_>])) {
        let consumer = &*self.consumer;
        let mut chunk: Vec<Lent<'_>> = Vec::new();
        let mut next = consumer.poll(bounded(wait));
        // Locked once a chunk, and not while it waits for a first record.
        let mut slots = lock(&self.slots);
        let (mut taken, mut bytes) = (0, 0);
        loop {
            match next {
                Some(Ok(message)) => {
                    // A record that is dropped counts too, or a flood of them would hold the thread.
                    taken += 1;
                    match slots.of(&message) {
                        Some(slot) => {
                            if chunk.is_empty() {
                                chunk.reserve_exact(self.last.load(Ordering::Relaxed).clamp(1, max));
                            }
                            let lent = Lent::new(message, slot);
                            bytes += lent.bytes();
                            chunk.push(lent);
                        }
                        None => drop(self.strays.fetch_add(1, Ordering::Relaxed)),
                    }
                }
                Some(Err(error)) => {
                    let fatal = || consumer.client().fatal_error().map(|(_, why)| why);
                    // Records behind such an error must not be lent as if nothing were missing before them.
                    if consumer.context().failed(&error, fatal) {
                        break;
                    }
                    taken += 1;
                }
                None => break,
            }
            if taken >= max || bytes >= CHUNK_BYTES {
                break;
            }
            next = consumer.poll(Duration::ZERO);
        }
        drop(slots);
        self.last.store(chunk.len(), Ordering::Relaxed);
        if !chunk.is_empty() {
            let records: Vec<RecordRef<'_>> = chunk.iter().map(Lent::record).collect();
            each(&records);
        }
    }
}

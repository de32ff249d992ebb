//! Records that are written together with the offsets that they were read at, or not at all.

use std::time::Duration;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer as _, ConsumerGroupMetadata},
    error::KafkaError,
    producer::Producer as _,
};

use super::{KafkaBroker, KafkaProducer, errors, lists, metadata::bounded};
use crate::broker::{
    AtomicCommit, BrokerError, BrokerErrorKind, Commit, Delivery, OutRecord, Producer as _, SendError,
};

/// The transactions of a producer with a `transactional.id`.
pub(crate) struct Transactions {
    producer: KafkaProducer,
    group: ConsumerGroupMetadata,
    wait: Duration,
    is_open: bool,
}

impl KafkaProducer {
    /// Ends the transaction that an earlier producer of the same `transactional.id` left open, and shuts that producer out.
    pub(crate) fn transactions(
        self,
        broker: &KafkaBroker,
        wait: Duration,
    ) -> Result<Transactions, BrokerError> {
        let failed =
            |error: &KafkaError| errors::failed("starting transactions", error, self.client_errors());
        self.client()?.init_transactions(bounded(wait)).map_err(|error| failed(&error))?;
        let Some(group) = broker.consumer.group_metadata() else {
            let text = "the consumer has no group to commit offsets for".to_owned();
            return Err(BrokerError { kind: BrokerErrorKind::Configuration, text });
        };
        Ok(Transactions { producer: self, group, wait, is_open: false })
    }
}

impl Transactions {
    fn tried(&self, what: &str, result: Result<(), KafkaError>) -> Result<(), BrokerError> {
        result.map_err(|error| errors::failed(what, &error, self.producer.client_errors()))
    }

    fn begin(&mut self) -> Result<(), BrokerError> {
        if !self.is_open {
            self.tried("beginning a transaction", self.producer.client()?.begin_transaction())?;
            self.is_open = true;
        }
        Ok(())
    }
}

impl AtomicCommit for Transactions {
    fn send(&mut self, record: &OutRecord<'_>) -> Result<Delivery, SendError> {
        self.begin().map_err(SendError::Failed)?;
        self.producer.send(record)
    }

    fn undo(&mut self) -> Result<bool, BrokerError> {
        if self.is_open {
            let aborted = self.producer.client()?.abort_transaction(bounded(self.wait));
            self.tried("aborting a transaction", aborted)?;
            self.is_open = false;
        }
        Ok(true)
    }

    fn fault(&self) -> Option<BrokerError> {
        // None begins within another: the refusal tells whether the one that is open can still end well.
        match self.producer.client().ok()?.begin_transaction() {
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() || error.is_fatal() => {
                let error = KafkaError::Transaction(error);
                Some(errors::failed("a transaction", &error, self.producer.client_errors()))
            }
            _ => None,
        }
    }

    fn end(&mut self, offsets: &[Commit]) -> Result<(), BrokerError> {
        self.begin()?;
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for Commit { partition, offset, .. } in offsets {
            lists::check_name(&partition.topic)?;
            let added =
                list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(*offset));
            self.tried("naming an offset", added)?;
        }
        let (producer, wait) = (self.producer.client()?, bounded(self.wait));
        let sent = producer.send_offsets_to_transaction(&list, &self.group, wait);
        self.tried("putting offsets into a transaction", sent)?;
        self.tried("committing a transaction", producer.commit_transaction(wait))?;
        self.is_open = false;
        Ok(())
    }

    fn check_topic(&self, topic: &str, wait: Duration) -> Result<(), BrokerError> {
        self.producer.check_topic(topic, wait)
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        if self.is_open
            && let Ok(client) = self.producer.client()
            && let Err(error) = client.abort_transaction(bounded(self.wait))
        {
            tracing::warn!(%error, "a transaction was not aborted; the broker does it when its time is over");
        }
    }
}

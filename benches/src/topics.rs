//! Filled topics, one for each size: a side that is fast reads more of the same records than one that is slow.

use std::collections::HashSet;

use anyhow::Result;
use healer_tests::kafka::RealKafka;

use crate::{figures::grouped, supply::Supply, workloads::Workload};

/// The topics of one run.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    filled: HashSet<String>,
}

impl Topics {
    /// The topic that holds so many records for a workload; it is filled when it is asked for first.
    pub(crate) fn of(
        &mut self,
        kafka: &RealKafka,
        supply: &Supply,
        workload: &Workload,
        records: u64,
    ) -> Result<String> {
        let Workload { partitions, key, .. } = *workload;
        let name = format!("{}-{partitions}-{records}", key.name());
        if self.filled.insert(name.clone()) {
            eprintln!("filling {name}: {} records", grouped(records));
            supply.fill(kafka, &name, partitions, key, records)?;
        }
        Ok(name)
    }
}

/// The next larger of 1, 2, 3, 5 and 7 with zeros, so that sides of about the same speed share a topic.
pub(crate) fn size(records: u64) -> u64 {
    let mut unit = 1;
    loop {
        if let Some(size) = [1, 2, 3, 5, 7].into_iter().map(|n| n * unit).find(|size| *size >= records) {
            return size;
        }
        unit *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_few() {
        assert_eq!([1, 4, 10, 11, 7_001, 999_999].map(size), [1, 5, 10, 20, 10_000, 1_000_000]);
    }
}

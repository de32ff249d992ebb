//! Records that rest since their stage is called no more often than its user wants: that is no stall.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Topic, partition and offset of a record.
pub(crate) type Spot = (Arc<str>, i32, i64);

/// The shortest rest that is noted: a shorter one looks like no stall.
const LONG: Duration = Duration::from_millis(100);

/// The records that rest, and until when.
#[derive(Default)]
pub(crate) struct Rests(Mutex<Resting>);

#[derive(Default)]
struct Resting {
    /// By a number that is given once.
    all: HashMap<u64, (Vec<Spot>, Duration)>,
    numbers: u64,
}

impl Rests {
    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes records that are to rest for some time; nothing where that is short.
    pub(crate) fn begin(
        self: &Arc<Self>,
        wait: Duration,
        now: Duration,
        records: impl FnOnce() -> Vec<Spot>,
    ) -> Option<Rest> {
        if wait < LONG {
            return None;
        }
        let mut resting = self.resting();
        resting.numbers += 1;
        let number = resting.numbers;
        resting.all.insert(number, (records(), now + wait));
        Some(Rest { rests: Arc::clone(self), number })
    }

    /// When the latest rest of a record ends, or has ended.
    pub(super) fn until(&self, topic: &str, partition: i32, offset: i64) -> Option<Duration> {
        let resting = self.resting();
        let is_it = |spot: &Spot| (&*spot.0, spot.1, spot.2) == (topic, partition, offset);
        let of_it = resting.all.values().filter(|(records, _)| records.iter().any(is_it));
        of_it.map(|(_, until)| *until).max()
    }
}

/// Kept until the call that it was for has ended, so that the time of that call counts from the end of the rest.
pub(crate) struct Rest {
    rests: Arc<Rests>,
    number: u64,
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.rests.resting().all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_rests_until_the_last_turn_that_it_waits_for_and_is_forgotten_with_its_calls() {
        let (rests, second) = (Arc::<Rests>::default(), Duration::from_secs(1));
        let spot = |offset| vec![(Arc::from("t"), 0, offset)];
        let until = |rests: &Rests, offset| rests.until("t", 0, offset);
        assert!(rests.begin(LONG / 2, second, || spot(1)).is_none());
        let short = rests.begin(second, second, || spot(1));
        let long = rests.begin(5 * second, second, || spot(1));
        assert_eq!((until(&rests, 1), until(&rests, 2)), (Some(6 * second), None));
        drop(long);
        assert_eq!(until(&rests, 1), Some(2 * second));
        drop(short);
        assert_eq!(until(&rests, 1), None);
    }
}

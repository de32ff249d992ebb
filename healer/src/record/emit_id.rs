//! The identity of a record in logs and traces.

use uuid::{Builder, Uuid};
use xxhash_rust::xxh3::Xxh3;

/// A UUID v7 that depends on the record alone, so that a replay logs under the same identity.
pub(crate) fn of(topic: &str, partition: i32, offset: i64, timestamp: Option<i64>) -> Uuid {
    let mut hash = Xxh3::new();
    hash.update(topic.as_bytes());
    hash.update(&partition.to_be_bytes());
    hash.update(&offset.to_be_bytes());
    let mut rest = [0; 10];
    rest.copy_from_slice(&hash.digest128().to_be_bytes()[..10]);
    let millis = timestamp.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

/// Of a batch, by its first record and how many rows it has.
pub(crate) fn of_batch(first: Uuid, rows: u32) -> Uuid {
    let mut hash = Xxh3::new();
    hash.update(first.as_bytes());
    hash.update(&rows.to_be_bytes());
    let mut rest = [0; 10];
    rest.copy_from_slice(&hash.digest128().to_be_bytes()[..10]);
    // A version 7 UUID begins with its 48 bits of milliseconds.
    let millis = u64::try_from(first.as_u128() >> 80).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::{of, of_batch};

    #[test]
    fn a_batch_is_told_from_its_records_and_from_its_halves() {
        let first = of("flights", 3, 41, Some(1_700_000_000_123));
        let (whole, half) = (of_batch(first, 500), of_batch(first, 250));
        assert!(first != whole && whole != half);
        assert_eq!(whole, of_batch(first, 500));
        assert_eq!(whole.get_timestamp().map(|t| t.to_unix()), first.get_timestamp().map(|t| t.to_unix()));
        assert_eq!(whole.get_version_num(), 7);
    }

    #[test]
    fn a_replay_has_the_same_identity_and_its_neighbours_have_others() {
        let id = of("flights", 3, 41, Some(1_700_000_000_123));
        assert_eq!(id, of("flights", 3, 41, Some(1_700_000_000_123)));
        assert_eq!(id.get_version_num(), 7);
        let stamp = id.get_timestamp().map(|t| t.to_unix());
        assert_eq!(stamp, Some((1_700_000_000, 123_000_000)));
        for other in
            [of("flights", 3, 42, Some(1_700_000_000_123)), of("flights", 4, 41, Some(1_700_000_000_123))]
        {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_record_without_a_time_has_an_identity_too() {
        assert_eq!(of("t", 0, 0, None).get_version_num(), 7);
        assert_eq!(of("t", 0, 0, Some(-1)).get_version_num(), 7);
    }
}

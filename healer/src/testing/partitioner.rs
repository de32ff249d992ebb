//! The partition that a Java producer chooses for a key.

/// The partition of a key among `partitions`, as Java's default partitioner and librdkafka's `murmur2_random` have it.
pub(super) fn partition_of(key: &[u8], partitions: i32) -> i32 {
    // The sign bit is dropped, so this is never negative.
    (murmur2(key) & 0x7fff_ffff).cast_signed() % partitions.max(1)
}

/// Murmur 2 with the seed of Kafka.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    // Kafka's own arithmetic is modulo 2³² as well.
    #[allow(clippy::cast_possible_truncation)]
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> 24;
        hash = hash.wrapping_mul(M) ^ word.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_are_those_of_java() {
        let java = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, hash) in java {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn a_partition_is_never_out_of_range() {
        for key in 0..10_000_u32 {
            assert!((0..7).contains(&partition_of(&key.to_le_bytes(), 7)));
        }
        assert_eq!(partition_of(b"x", 0), 0);
    }
}

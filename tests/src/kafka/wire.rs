//! Records and commits that no client library writes, brought to the broker by the protocol itself.
//!
//! Other clients may name a header with any bytes, and write any beside a committed offset; rdkafka lets only UTF-8
//! through. So a test that needs such bytes speaks to the broker: a produce request of version 3 with one record batch of
//! version 2, or a commit request of version 2.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use super::RealKafka;
use super::client::{LIMIT, until};

impl RealKafka {
    /// Produces one record without a key whose headers have any bytes as names; says its offset.
    ///
    /// # Errors
    /// There is no such partition, or the broker does not accept the record.
    pub fn produce_odd_headers(
        &self,
        topic: &str,
        partition: i32,
        value: &[u8],
        headers: &[(&[u8], &[u8])],
    ) -> Result<i64> {
        let batch = batch(&record(value, headers)?)?;
        let mut request = Vec::new();
        for field in [0_i16, 3] {
            request.extend(field.to_be_bytes()); // produce, in its third version
        }
        request.extend(1_i32.to_be_bytes()); // the number that the answer repeats
        string(&mut request, b"healer-tests")?;
        request.extend((-1_i16).to_be_bytes()); // no transaction
        request.extend((-1_i16).to_be_bytes()); // acknowledged by all replicas
        request.extend(10_000_i32.to_be_bytes()); // within ten seconds
        request.extend(1_i32.to_be_bytes()); // topics
        string(&mut request, topic.as_bytes())?;
        request.extend(1_i32.to_be_bytes()); // partitions
        request.extend(partition.to_be_bytes());
        sized(&mut request, &batch)?;

        let answer = self.ask(&request)?;
        // Before the error: three counters, the topic's length and name, and the partition's number.
        let at = 4 + 4 + 2 + topic.len() + 4 + 4;
        let error = answer.get(at..at + 2).context("the answer is too short")?;
        let offset = answer.get(at + 2..at + 10).context("the answer is too short")?;
        match i16::from_be_bytes(error.try_into()?) {
            0 => Ok(i64::from_be_bytes(offset.try_into()?)),
            code => bail!("{topic}:{partition} does not accept the record: Kafka's error {code}"),
        }
    }

    /// Commits for a group without members, with any bytes as the text beside the offset.
    ///
    /// The broker takes bytes that are no UTF-8 and keeps U+FFFD in their place.
    ///
    /// # Errors
    /// The group has members, the text is too long, or the broker does not answer.
    pub fn set_committed_with(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
        offset: i64,
        metadata: &[u8],
    ) -> Result<()> {
        let mut request = Vec::new();
        for field in [8_i16, 2] {
            request.extend(field.to_be_bytes()); // commit, in its second version
        }
        request.extend(1_i32.to_be_bytes()); // the number that the answer repeats
        string(&mut request, b"healer-tests")?;
        string(&mut request, group.as_bytes())?;
        request.extend((-1_i32).to_be_bytes()); // no generation
        string(&mut request, b"")?; // no member
        request.extend((-1_i64).to_be_bytes()); // kept as long as the broker likes
        request.extend(1_i32.to_be_bytes()); // topics
        string(&mut request, topic.as_bytes())?;
        request.extend(1_i32.to_be_bytes()); // partitions
        request.extend(partition.to_be_bytes());
        request.extend(offset.to_be_bytes());
        string(&mut request, metadata)?;
        until(&format!("{group} may commit"), || {
            let answer = self.ask(&request)?;
            let error = answer.last_chunk().context("the answer is too short")?;
            match i16::from_be_bytes(*error) {
                0 => Ok(true),
                // The coordinator is not ready yet.
                14..=16 => Ok(false),
                code => bail!("{group} cannot commit {offset} of {topic}:{partition}: Kafka's error {code}"),
            }
        })
    }

    /// The answer to a request, its length left out.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>> {
        let mut broker = TcpStream::connect(self.brokers())?;
        broker.set_read_timeout(Some(LIMIT))?;
        let mut framed = Vec::new();
        sized(&mut framed, request)?;
        broker.write_all(&framed)?;
        let mut size = [0; 4];
        broker.read_exact(&mut size).context("the broker does not answer")?;
        let mut answer = vec![0; usize::try_from(i32::from_be_bytes(size))?];
        broker.read_exact(&mut answer)?;
        Ok(answer)
    }
}

/// One record, the first of its batch.
fn record(value: &[u8], headers: &[(&[u8], &[u8])]) -> Result<Vec<u8>> {
    // no attributes, no difference of time and of offset to the batch
    let mut body = vec![0, 0, 0];
    varint(&mut body, -1); // no key
    counted(&mut body, value)?;
    varint(&mut body, i64::try_from(headers.len())?);
    for (name, value) in headers {
        counted(&mut body, name)?;
        counted(&mut body, value)?;
    }
    let mut record = Vec::new();
    counted(&mut record, &body)?;
    Ok(record)
}

/// A batch of one record.
fn batch(record: &[u8]) -> Result<Vec<u8>> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut summed = vec![0; 2 + 4]; // attributes, and the difference of the last offset to the first
    summed.extend(now.to_be_bytes()); // the first time
    summed.extend(now.to_be_bytes()); // the last time
    summed.extend([0xff; 8 + 2 + 4]); // no producer number, epoch and sequence
    summed.extend(1_i32.to_be_bytes());
    summed.extend(record);

    let mut checked = vec![0xff; 4]; // no leader epoch
    checked.push(2); // the version of the format
    checked.extend(crc32c(&summed).to_be_bytes());
    checked.extend(summed);

    let mut batch = vec![0; 8]; // the broker sets the offset
    sized(&mut batch, &checked)?;
    Ok(batch)
}

fn string(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    out.extend(i16::try_from(text.len())?.to_be_bytes());
    out.extend(text);
    Ok(())
}

/// Bytes after their number as a whole word.
fn sized(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    out.extend(i32::try_from(bytes.len())?.to_be_bytes());
    out.extend(bytes);
    Ok(())
}

/// Bytes after their number as a varint.
fn counted(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    varint(out, i64::try_from(bytes.len())?);
    out.extend(bytes);
    Ok(())
}

/// Seven bits a byte, the sign in the lowest bit.
fn varint(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    loop {
        let low = rest.to_le_bytes()[0] & 0x7f;
        rest >>= 7;
        if rest == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Castagnoli's checksum, bit by bit: a record is small.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::{crc32c, varint};

    #[test]
    fn numbers_and_sums_are_those_of_the_protocol() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        for (number, bytes) in [(0, &[0][..]), (-1, &[1]), (63, &[126]), (64, &[128, 1]), (300, &[216, 4])] {
            let mut out = Vec::new();
            varint(&mut out, number);
            assert_eq!(out, bytes);
        }
    }
}

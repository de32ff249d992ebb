//! The text of a commit beside its offset: its lineage, and the offsets done above it, so that the next owner, on any machine,
//! skips them.
//!
//! Nothing in it is trusted: it is bound to its offset and to the fingerprint of the record there, and anything that does not
//! fit counts as not written. The text is `healer2:` and base64 of checksum, offset and lineage, and then, where there is room for
//! them, fingerprint, leader epoch (-1 for none) and [`offset_map`], in this order, numbers with the highest byte first. Tools copy
//! commits to other groups and
//! clusters, text and all, where the same offset is another record's or was never done: the checksum is seeded with the mark of
//! cluster, group, pipeline and partition, so that it fits nowhere else.
//!
//! **Commit metadata.** Each commit carries a text (`healer2:` and base64 of checksum, offset and lineage, 40 bytes; then
//! fingerprint, leader epoch and offset map of the records done above the frontier, so that any machine that takes over skips
//! them); the checksum is seeded with scope, topic and partition, so that it fits no other. It is due also where the frontier
//! stands still and more was done above it, at the interval and before a partition is given back. Beyond `metadata_max_bytes`
//! (4,096 by default) the offset goes with the lineage and without the map, and the partition is *throttled*: it takes no new
//! records until the lowest pending ones are done and the map has room again. The measure is an upper bound of the encoded map in
//! O(1); with nothing in flight it is zero, so nothing deadlocks. Where no map could ever have room (below 60 bytes) nobody waits
//! for it, and below 40 there is no text at all.
//!
//! **Restart.** The committed offset. If the commit's text, or the store's snapshot of the commit's lineage, is of that very
//! offset and claims nothing beyond the end of the log, the records that it lists as done above (the commit, unless the store
//! knows all of them and more) are skipped once the record at the frontier has the fingerprint (time, key, value) that it
//! remembers, and as long as no record comes whose leader epoch is above the highest that the claim's owner read: epochs never
//! fall along a log, and records that replace those a log has lost have a new one. In all other cases the records are processed
//! again, also with foreign, damaged or newer metadata. *Blind spots*, as the client tells no topic id: a topic made anew with
//! the very same record at the frontier and filled again up to the claim. And apart from claims: a log that was cut below the
//! committed offset, or a topic made anew, that was filled again up to where its reader stands before that reader asked for more.
//!
//! **Lineage.** An equal offset is no equal history: a group that goes back wants its records again, and comes to the same offset
//! again. So a number is drawn wherever the group's way begins or goes back: a start without a commit of ours (a new or deleted
//! group, a tool's reset, another program, a commit without text), an offset that `out_of_range` chose, a seek, a log that went
//! back, a claim beyond the end of the log. It goes into every commit and every snapshot, and a start goes on with the one that
//! the commit has. A snapshot of another lineage, or of another frontier, is not believed, and is written over at once. Nothing
//! depends on the order of commit and snapshot: a row that is a lineage ahead or behind skips nothing, and the row of a member
//! that had the partition before counts as long as nobody went back. A lineage that the group does not know yet is committed as
//! soon as something is done above the frontier, so that a restart believes the row. A claim beyond the end tells that its
//! records were lost; its lineage ends, by a commit at once, or it would be believed when the log is as long again. *The
//! fingerprint and the leader epoch stay beside it*: they tell that the record and the log are the same, the lineage that the
//! group's way is. *`metadata_max_bytes` below 40* leaves no room for it, so that no row is believed and all above the offset is
//! done again: the safe side, since nothing else of a commit is sure to be gone after a reset. The store keeps checkpoints all
//! the same.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use healer_store::{DoneAbove, Ledger, offset_map};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const PREFIX: &str = "healer2:";

/// Checksum, offset and lineage.
const HEAD: usize = 24;

/// Fingerprint and leader epoch, before a map.
const PROOF: usize = 12;

/// The longest text that is looked at: of the largest map there is. Decoding allocates less than this and the map's runs.
const MAX_TEXT: usize = PREFIX.len() + (HEAD + PROOF + offset_map::MAX_BYTES).div_ceil(3) * 4;

/// The content of a commit's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The lineage that the commit is of.
    pub(crate) lineage: u64,
    /// The offsets done above it, where the text has them.
    pub(crate) claim: Option<DoneAbove>,
}

/// How many bytes of a map have room in `limit` bytes of text; 0 where no map has.
pub(super) fn room(limit: usize) -> u64 {
    let bytes = limit.saturating_sub(PREFIX.len()) / 4 * 3;
    bytes.saturating_sub(HEAD + PROOF) as u64
}

/// A ledger's claim about the offsets done above its frontier; `None` where there are none, or none that could be proven later.
///
/// `fingerprint` is that of the record at the frontier. A claim that waits to be verified is passed on as it came.
pub(super) fn claim(ledger: &Ledger, fingerprint: Option<u64>) -> Option<DoneAbove> {
    if let Some(claim) = ledger.unverified() {
        return Some(claim.clone());
    }
    let claim = DoneAbove {
        frontier: ledger.frontier(),
        fingerprint: fingerprint?,
        leader_epoch: ledger.leader_epoch(),
        runs: ledger.done_above().collect(),
    };
    Some(claim).filter(|claim| !claim.runs.is_empty())
}

/// The text of a commit at `offset` for the partition of this mark; `None` where it would be longer than `limit` bytes.
pub(super) fn encode(
    lineage: u64,
    offset: i64,
    claim: Option<&DoneAbove>,
    limit: usize,
    mark: u64,
) -> Option<String> {
    let mut body = vec![0; 8];
    body.extend(offset.to_be_bytes());
    body.extend(lineage.to_be_bytes());
    if let Some(claim) = claim {
        let map = offset_map::encode(offset, claim.runs.iter().copied()).ok()?;
        body.extend(claim.fingerprint.to_be_bytes());
        body.extend(claim.leader_epoch.unwrap_or(-1).to_be_bytes());
        body.extend(map);
    }
    if base64::encoded_len(body.len(), false).is_none_or(|text| PREFIX.len() + text > limit) {
        return None;
    }
    let checksum = xxh3_64_with_seed(&body[8..], mark).to_be_bytes();
    body[..8].copy_from_slice(&checksum);
    let mut text = PREFIX.to_owned();
    BASE64.encode_string(body, &mut text);
    Some(text)
}

/// Decodes the text that came with `committed`; `None` for a text that is not ours, damaged, or about another offset or mark.
pub(crate) fn decode(text: &str, committed: i64, mark: u64) -> Option<Said> {
    let text = text.strip_prefix(PREFIX).filter(|text| text.len() <= MAX_TEXT)?;
    let body = BASE64.decode(text).ok()?;
    let (checksum, body) = body.split_first_chunk::<8>()?;
    if xxh3_64_with_seed(body, mark) != u64::from_be_bytes(*checksum) {
        return None;
    }
    let (frontier, body) = body.split_first_chunk::<8>()?;
    let (lineage, body) = body.split_first_chunk::<8>()?;
    if i64::from_be_bytes(*frontier) != committed {
        return None;
    }
    let claim = if body.is_empty() { None } else { Some(proven(body, committed)?) };
    Some(Said { lineage: u64::from_be_bytes(*lineage), claim })
}

/// Whether a pipeline wrote this text, for any partition, and even if it was damaged since.
pub(crate) fn is_of_a_pipeline(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Fingerprint, leader epoch and map.
fn proven(body: &[u8], frontier: i64) -> Option<DoneAbove> {
    let (fingerprint, body) = body.split_first_chunk::<8>()?;
    let (leader_epoch, map) = body.split_first_chunk::<4>()?;
    let runs = offset_map::decode(frontier, map).ok().filter(|runs| !runs.is_empty())?;
    let leader_epoch = Some(i32::from_be_bytes(*leader_epoch)).filter(|epoch| *epoch >= 0);
    Some(DoneAbove { frontier, fingerprint: u64::from_be_bytes(*fingerprint), leader_epoch, runs })
}

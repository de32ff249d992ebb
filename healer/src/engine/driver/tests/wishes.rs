//! The user's wishes for a pipeline that runs: that partitions rest, or are read from elsewhere.

use std::time::{Duration, UNIX_EPOCH};

use futures_util::FutureExt as _;

use super::rig::{INTERVAL, Rig};
use crate::{
    broker::BrokerErrorKind,
    engine::{PartitionState, SeekError, SeekTo},
};

impl Rig {
    /// Asks for an offset, and has the question answered.
    fn sought(&mut self, partition: i32, to: SeekTo) -> Result<i64, SeekError> {
        let handle = self.handle.clone();
        let mut seek = Box::pin(handle.seek("t", partition, to));
        assert!((&mut seek).now_or_never().is_none(), "nobody has looked yet");
        self.turns(1);
        self.answer();
        seek.now_or_never().expect("it is answered")
    }

    fn state_of(&self, partition: i32) -> Option<PartitionState> {
        let partitions = self.handle.partitions();
        partitions.iter().find(|status| status.partition == partition).map(|status| status.state)
    }

    /// The committed offsets when the interval is over.
    fn committed(&mut self) -> Vec<(i32, i64)> {
        self.pass(INTERVAL);
        self.turns(2);
        if self.waiting("healer-commit") > 0 {
            self.work("healer-commit");
        }
        self.turns(2);
        self.group.state().committed.iter().map(|(partition, offset)| (*partition, *offset)).collect()
    }
}

#[test]
fn a_partition_is_read_from_where_the_user_wants_it_and_that_is_committed_also_downward() {
    let mut rig = Rig::new().opened(&[0, 1]);
    rig.group.put(0, 0..8);
    rig.turns(2);
    assert_eq!(rig.committed(), [(0, 8)]);
    assert_eq!(rig.sought(0, SeekTo::Offset(3)).ok(), Some(3));
    assert_eq!(rig.group.told(), ["seek 0@3"]);
    assert_eq!(rig.committed(), [(0, 3)]);
    rig.group.put(0, 3..6);
    rig.turns(2);
    assert_eq!(rig.positions(), [(0, 6), (1, 0)].into());
    assert_eq!(rig.committed(), [(0, 6)]);
    let status = &rig.handle.partitions()[0];
    assert_eq!(status.data_losses, 0, "what the user passed over is not lost");
}

#[test]
fn the_first_record_the_end_and_a_time_are_looked_up() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.set(|state| state.marks.insert(0, 2..7));
    assert_eq!(rig.sought(0, SeekTo::Latest).ok(), Some(7));
    assert_eq!(rig.sought(0, SeekTo::Earliest).ok(), Some(2));
    assert_eq!(rig.sought(0, SeekTo::Time(UNIX_EPOCH + Duration::from_millis(5))).ok(), Some(5));
    assert_eq!(rig.handle.partitions()[0].data_losses, 0);
}

#[test]
fn times_before_1970_and_beyond_the_year_9999_are_sought_and_told_as_any_other() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.set(|state| state.marks.insert(0, 2..7));
    let far = UNIX_EPOCH + Duration::from_hours(70_389_528);
    for (time, offset) in [
        (UNIX_EPOCH - Duration::from_secs(1), 2),
        (UNIX_EPOCH - Duration::from_hours(24 * 3_650), 2),
        (UNIX_EPOCH, 2),
        (far, 7),
    ] {
        let to = SeekTo::Time(time);
        assert!(to.to_string().starts_with("time:"), "{to}");
        assert_eq!(rig.sought(0, to).ok(), Some(offset), "{to}");
    }
    assert_eq!(SeekTo::Time(far).to_string(), "time:(outside of 1970 to 9999)");
}

#[test]
fn what_cannot_be_sought_leaves_all_as_it_was() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.put(0, 0..4);
    rig.turns(2);
    let error = rig.sought(0, SeekTo::Offset(11)).unwrap_err();
    assert!(matches!(error, SeekError::OutOfRange { offset: 11, first: 0, end: 10, .. }), "{error}");
    let error = rig.sought(7, SeekTo::Earliest).unwrap_err();
    assert!(matches!(error, SeekError::NotAssigned { .. }), "{error}");
    rig.group.set(|state| state.fails = Some(BrokerErrorKind::Unreachable));
    let error = rig.sought(0, SeekTo::Earliest).unwrap_err();
    assert!(matches!(error, SeekError::Broker(_)), "{error}");
    assert!(rig.group.told().is_empty());
    assert_eq!(rig.positions(), [(0, 4)].into());
}

#[test]
fn a_partition_that_is_taken_away_meanwhile_is_not_read() {
    let mut rig = Rig::new().opened(&[0]);
    let handle = rig.handle.clone();
    let mut seek = Box::pin(handle.seek("t", 0, SeekTo::Earliest));
    assert!((&mut seek).now_or_never().is_none());
    rig.turns(1);
    rig.group.lose(&[0]);
    rig.turns(1);
    rig.answer();
    assert!(matches!(seek.now_or_never(), Some(Err(SeekError::NotAssigned { .. }))));
    assert_eq!(rig.group.told(), ["unassign 0"]);
}

#[test]
fn a_partition_that_is_being_given_back_is_not_read_from_elsewhere() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.put(0, 0..4);
    rig.turns(2);
    let handle = rig.handle.clone();
    let mut seek = Box::pin(handle.seek("t", 0, SeekTo::Earliest));
    assert!((&mut seek).now_or_never().is_none());
    rig.turns(1);
    // Records that are done are to be committed first.
    rig.group.revoke(&[0]);
    rig.turns(1);
    assert_eq!(rig.group.told(), [""; 0]);
    rig.answer();
    assert!(matches!(seek.now_or_never(), Some(Err(SeekError::NotAssigned { .. }))));
    rig.work("healer-commit");
    rig.turns(2);
    assert_eq!(rig.group.told(), ["unassign 0"]);
    assert_eq!(rig.group.state().committed, [(0, 4)].into());
}

#[test]
fn who_waits_for_a_pipeline_that_ends_hears_of_it() {
    let mut rig = Rig::new().opened(&[0]);
    let handle = rig.handle.clone();
    rig.handle.stop();
    rig.turns(2);
    rig.pass(INTERVAL);
    rig.turns(3);
    assert!(rig.end().is_some());
    let seek = handle.seek("t", 0, SeekTo::Earliest).now_or_never();
    assert!(matches!(seek, Some(Err(SeekError::Ended))));
}

#[test]
fn what_rests_is_not_begun_and_goes_on_where_it_was() {
    let mut rig = Rig::new().opened(&[0, 1]);
    rig.handle.pause_partition("t", 0);
    rig.group.put(0, 0..4);
    rig.turns(1);
    rig.group.put(1, 0..4);
    rig.turns(2);
    assert_eq!(rig.positions(), [(0, 0), (1, 4)].into());
    assert_eq!(rig.state_of(0), Some(PartitionState::Paused));
    rig.handle.pause();
    rig.group.put(1, 4..6);
    rig.turns(2);
    assert_eq!(rig.positions(), [(0, 0), (1, 4)].into());
    rig.handle.resume();
    rig.turns(3);
    assert_eq!(rig.positions(), [(0, 4), (1, 6)].into());
    assert_eq!(rig.state_of(0), Some(PartitionState::Running));
    assert_eq!(rig.committed(), [(0, 4), (1, 6)]);
}

#[test]
fn a_partition_that_comes_while_all_rests_rests_as_well() {
    let rig = Rig::new();
    rig.handle.pause_topic("t");
    let mut rig = rig.opened(&[0]);
    rig.group.put(0, 0..4);
    rig.turns(2);
    assert_eq!(rig.positions(), [(0, 0)].into());
    rig.handle.resume_topic("t");
    rig.turns(3);
    assert_eq!(rig.positions(), [(0, 4)].into());
}

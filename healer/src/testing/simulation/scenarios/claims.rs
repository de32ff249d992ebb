//! Claims of records done above a commit: no more than there is room for, and believed only where they are true.

use super::*;

/// The most bytes of commit metadata.
const LIMIT: usize = 60;

#[test]
fn where_what_is_done_above_has_no_room_the_partition_rests_until_what_holds_it_is_done() {
    Ground::new(1, 1).config(|config| config.metadata_max_bytes(LIMIT)).play(|play| {
        // Every second record waits, so that the offsets that are done are in pieces.
        play.write_waiting(0, 200, |offset| offset % 2 == 0);
        play.start(0);
        play.until("the partition rests", |play| {
            play.status(0, 0).is_some_and(|status| status.state == PartitionState::Throttled)
        });
        play.pass(SECOND);
        let ran = play.offsets(1, 0).len();
        play.pass(5 * SECOND);
        assert_eq!(play.offsets(1, 0).len(), ran, "nothing new begins");
        assert!(ran < 200);
        // Records in flight go on, and the offset is committed, if need be without the map.
        play.let_go("wait 0");
        play.until("the frontier is committed", |play| play.committed(0) == Some(2));
        (2..200).step_by(2).for_each(|offset| play.let_go(&format!("wait {offset}")));
        play.until("all is committed", |play| play.committed(0) == Some(200));
        assert_eq!(play.offsets(1, 0), (0..200).collect::<Vec<_>>());
        let commits = play.commits(0);
        assert!(commits.iter().all(|commit| commit.metadata.len() <= LIMIT));
        play.rest();
    });
}

#[test]
fn an_offset_is_committed_without_the_map_that_has_no_room() {
    // Many at once, before anybody looks at the room.
    Ground::new(1, 1).config(|config| config.metadata_max_bytes(LIMIT)).play(|play| {
        play.cluster().tune(|settings| (settings.prefetch, settings.short_polls) = (64, 0));
        play.write_waiting(0, 64, |offset| offset % 2 == 0);
        play.start(0);
        play.until("the first one is at work", |play| play.visits("wait 0") == 1);
        play.pass(SECOND);
        let says_lineage = |commit: &Accepted| commit.metadata.len() == 40;
        let commits = play.commits(0);
        assert!(commits.len() == 1 && commits[0].offset == 0 && says_lineage(&commits[0]), "{commits:?}");
        play.let_go("wait 0");
        play.until("the frontier is committed", |play| play.committed(0) == Some(2));
        assert!(play.commits(0).iter().all(says_lineage));
        // The next process knows nothing of the records that were done above.
        play.kill_with_disk(0);
        (2..64).step_by(2).for_each(|offset| play.let_go(&format!("wait {offset}")));
        play.start(0);
        play.rest();
        assert_eq!(play.offsets(2, 0), (2..64).collect::<Vec<_>>());
    });
}

/// Sets the group to 3 of 10 records with a text beside it, and says which of them run.
fn runs_with(play: &mut Play<'_>, text: &str) -> Vec<i64> {
    play.write_quick(0, 0..10);
    play.reset(0, 3, text);
    play.start(0);
    play.until("all is committed", |play| play.committed(0) == Some(10));
    play.offsets(1, 0)
}

#[test]
fn text_of_others_and_damaged_text_are_ignored() {
    let texts = ["AAEC", "\u{1F980}", "h1:garbage", "healer2:", "healer1:AAAA", "healer2:AAAA", "{\"v\":1}"];
    for text in texts {
        Ground::new(1, 1).play(|play| {
            assert_eq!(runs_with(play, text), (3..10).collect::<Vec<_>>(), "{text}");
            play.rest();
        });
    }
}

/// The text that a member commits which has all of 0 to 9 done but 3.
fn true_text(play: &mut Play<'_>) -> String {
    play.write_waiting(0, 10, |offset| offset == 3);
    play.start(0);
    play.until("all above 3 is known to be done", |play| {
        play.status(0, 0).is_some_and(|status| (status.pending, status.position) == (1, 10))
    });
    play.pass(SECOND);
    play.kill_with_disk(0);
    let (offset, text) = play.committed_with_text(0).expect("3 is committed");
    assert_eq!(offset, 3);
    play.let_go("wait 3");
    text
}

#[test]
fn text_that_is_about_other_records_or_another_offset_is_ignored() {
    Ground::new(1, 1).play(|play| {
        let text = true_text(play);
        let mut damaged = text.clone();
        let last = damaged.pop().expect("it is long");
        damaged.push(if last == 'A' { 'B' } else { 'A' });
        let mut process = 1;
        for (offset, text) in [(3, damaged.as_str()), (4, text.as_str())] {
            process += 1;
            play.reset(0, offset, text);
            play.start(0);
            play.until("all is committed", |play| play.committed(0) == Some(10));
            assert_eq!(play.offsets(process, 0), (offset..10).collect::<Vec<_>>(), "{text}");
            play.kill_with_disk(0);
        }
    });
}

#[test]
fn text_that_claims_what_the_log_does_not_hold_is_ignored() {
    Ground::new(1, 1).play(|play| {
        true_text(play);
        // The records from 6 on, which were done, are gone, and others come.
        play.happen(&Fault::Truncate { at: 0, records: 4 });
        play.start(0);
        play.until("it has the partition", |play| play.has(0, 0));
        play.write_each(0, (6..12).map(|number| format!("other {number}")));
        play.until("all is committed", |play| play.committed(0) == Some(12));
        assert_eq!(play.offsets(2, 0), (3..12).collect::<Vec<_>>());
        play.rest();
    });
}

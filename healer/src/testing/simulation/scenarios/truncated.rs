//! Logs that lose records under a running member: at their end by an unclean leader election, at their beginning by retention.

use super::*;

/// A member that has 10 records done and committed.
fn done(play: &mut Play<'_>) {
    play.start(0);
    play.write_quick(0, 0..10);
    play.until("all is committed", |play| play.committed(0) == Some(10));
}

/// Loses the records from 6 on and writes so many others there.
fn cut(play: &mut Play<'_>, others: usize) {
    play.happen(&Fault::Truncate { at: 0, records: 4 });
    play.write_each(0, (0..others).map(|number| format!("other {number}")));
}

/// The offsets at which the new records ran.
fn others(play: &Play<'_>) -> Vec<i64> {
    let all = play.ran();
    let others = all.iter().filter(|ran| ran.value.starts_with("other"));
    others.map(|ran| ran.offset).collect()
}

#[test]
fn what_is_written_after_a_truncation_is_processed_and_never_taken_for_done() {
    // An end below the records that were read, and one past them.
    for written in [2, 8] {
        Ground::new(1, 1).play(|play| {
            done(play);
            cut(play, written);
            let end = 6 + i64::try_from(written).expect("few");
            play.until("all is committed", |play| {
                others(play).len() == written && play.committed(0) == Some(end)
            });
            assert_eq!(others(play), (6..end).collect::<Vec<_>>());
            // The first commit of the new epoch may say less than the last one of the old one.
            let lowest = play.committed_offsets(0).into_iter().skip_while(|offset| *offset < 10).min();
            assert!(lowest.is_some_and(|lowest| lowest <= 6), "{:?}", play.committed_offsets(0));
            play.rest();
        });
    }
}

#[test]
fn a_truncation_ends_a_pipeline_by_name_unless_the_user_chose_otherwise() {
    Ground::new(1, 1).config(|config| config.out_of_range(OutOfRange::Error)).play(|play| {
        done(play);
        cut(play, 2);
        play.until("it has ended", |play| play.ended(0).is_some());
        let Some(Err(Error::Start(error))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
        let text = error.to_string();
        assert!(text.contains("offset 10 of t[0], which holds offsets 0 up to 8"), "{text}");
        assert_eq!(
            (play.committed(0), others(play)),
            (Some(10), vec![]),
            "nothing was done behind the user's back"
        );
    });
}

#[test]
fn a_log_that_was_filled_again_past_what_was_read_ends_a_pipeline_as_well() {
    Ground::new(1, 1).config(|config| config.out_of_range(OutOfRange::Error)).play(|play| {
        done(play);
        cut(play, 8);
        play.until("it has ended", |play| play.ended(0).is_some());
        let Some(Err(Error::Broker(text))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
        assert!(
            text.contains("t[0] stands still at offset 10")
                && text.contains("written anew past what was read"),
            "{text}"
        );
        assert_eq!((play.committed(0), others(play)), (Some(10), vec![]));
    });
}

/// A member with offset 0 at work that has read up to 3, and then the records below 15 of 20 are deleted.
fn delete(play: &mut Play<'_>) {
    // The client would still give the records that it has fetched.
    play.cluster().tune(|settings| settings.prefetch = 1);
    play.write(0, "wait 0");
    play.write_quick(0, 1..3);
    play.start(0);
    play.until("the first record is at work, and the others are done", |play| {
        play.visits("wait 0") == 1 && play.offsets(1, 0).len() == 3
    });
    play.write_quick(0, 3..20);
    play.happen(&Fault::Delete { at: 0, percent: 75 });
}

#[test]
fn records_that_vanish_unread_are_counted_and_the_pending_ones_let_go() {
    Ground::new(1, 1).play(|play| {
        delete(play);
        play.until("it goes on above", |play| play.committed(0) == Some(20));
        let status = play.status(0, 0).expect("it has the partition");
        assert_eq!((status.data_losses, status.pending, status.blocked), (1, 0, None));
        // The old copy ends: nobody waits for it.
        play.let_go("wait 0");
        play.pass(SECOND);
        assert_eq!(play.offsets(1, 0), [0, 1, 2, 15, 16, 17, 18, 19]);
        assert_eq!(play.status(0, 0).map(|status| status.frontier), Some(20));
        assert!(play.stop(0).fenced > 0);
    });
}

#[test]
fn records_that_vanish_unread_end_a_pipeline_by_name_unless_the_user_chose_otherwise() {
    Ground::new(1, 1).config(|config| config.out_of_range(OutOfRange::Error)).play(|play| {
        delete(play);
        play.until("it has ended", |play| play.ended(0).is_some());
        let Some(Err(Error::Start(error))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
        let text = error.to_string();
        assert!(text.contains("offset 3 of t[0], which holds offsets 15 up to 20"), "{text}");
        assert!(play.committed(0).is_none_or(|offset| offset == 0), "what was at work is not done");
    });
}

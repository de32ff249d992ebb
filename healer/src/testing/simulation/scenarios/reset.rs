//! Offsets that an admin sets: records that were done above them are done again, although the store or the commit remembers them.

use super::*;

/// A process was killed that had 3 and 5 of the offsets 0 to 9 at work, and all others done.
fn killed(play: &mut Play<'_>) {
    play.write_waiting(0, 10, |offset| offset == 3 || offset == 5);
    play.start(0);
    let says_all = |play: &Play<'_>| {
        play.committed_with_text(0).is_some_and(|(offset, text)| {
            let claim = Play::claim(0, offset, &text);
            offset == 3 && claim.is_some_and(|claim| claim.runs.last().is_some_and(|run| run.end == 10))
        })
    };
    play.until("3 is committed, and what is done above it", says_all);
    play.kill(0);
    play.let_go("wait 3");
    play.let_go("wait 5");
}

#[test]
fn a_restart_without_a_reset_skips_what_was_done_above() {
    Ground::new(1, 1).play(|play| {
        killed(play);
        play.start(0);
        play.rest();
        assert_eq!(play.offsets(2, 0), [3, 5]);
    });
}

#[test]
fn what_an_admin_resets_is_processed_again() {
    // Below the commit, where it stands, and above it.
    for offset in [0, 1, 3, 4] {
        Ground::new(1, 1).play(|play| {
            killed(play);
            play.reset(0, offset, "");
            play.start(0);
            play.until("all is committed", |play| play.committed(0) == Some(10));
            assert_eq!(play.offsets(2, 0), (offset..10).collect::<Vec<_>>());
            play.rest();
        });
    }
}

#[test]
fn a_group_that_comes_to_the_same_offset_anew_has_nothing_skipped_by_an_old_store() {
    // Commits have no room but for the lineage, so that the store alone knows the records that are done above.
    Ground::new(2, 1).config(|config| config.metadata_max_bytes(40)).play(|play| {
        play.write_waiting(0, 10, |offset| offset == 3);
        for seat in [0, 1] {
            play.start(seat);
            play.until("all are done but one", |play| {
                play.status(seat, 0).is_some_and(|status| (status.pending, status.position) == (1, 10))
            });
            play.until("3 is committed", |play| play.committed(0) == Some(3));
            play.pass(SECOND);
            play.kill(seat);
            // The second one begins without a commit; only its own disk knows the records that it has done above.
            if seat == 0 {
                play.forget(0);
            }
        }
        play.let_go("wait 3");
        play.start(0);
        play.until("all is committed", |play| play.committed(0) == Some(10));
        assert_eq!(play.offsets(2, 0), (0..10).collect::<Vec<_>>(), "the group was deleted");
        assert_eq!(play.offsets(3, 0), (3..10).collect::<Vec<_>>());
        play.rest();
    });
}

#[test]
fn a_member_that_runs_does_not_hear_of_a_reset_and_whoever_comes_next_does() {
    Ground::new(1, 1).play(|play| {
        play.start(0);
        play.write_quick(0, 0..10);
        play.until("all is committed", |play| play.committed(0) == Some(10));
        play.reset(0, 2, "");
        play.pass(5 * SECOND);
        assert_eq!((play.committed(0), play.offsets(1, 0).len()), (Some(2), 10));
        play.happen(&Fault::Lose { seat: 0 });
        play.until("it was done again from there", |play| play.committed(0) == Some(10));
        assert_eq!(play.offsets(1, 0)[10..], [2, 3, 4, 5, 6, 7, 8, 9]);
        play.rest();
    });
}

#[test]
fn an_offset_that_does_not_exist_ends_the_start_by_name_unless_the_user_chose_otherwise() {
    for (policy, from) in
        [(OutOfRange::Error, None), (OutOfRange::Earliest, Some(0)), (OutOfRange::Latest, Some(10))]
    {
        Ground::new(1, 1).config(move |config| config.out_of_range(policy)).play(|play| {
            killed(play);
            play.reset(0, 50, "");
            play.start(0);
            let Some(from) = from else {
                play.until("it has ended", |play| play.ended(0).is_some());
                let Some(Err(Error::Start(error))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
                let text = error.to_string();
                assert!(text.contains("offset 50 of t[0], which holds offsets 0 up to 10"), "{text}");
                assert_eq!((play.committed(0), play.offsets(2, 0)), (Some(50), vec![]));
                return;
            };
            play.until("all is committed", |play| play.committed(0) == Some(10));
            assert_eq!(play.offsets(2, 0), (from..10).collect::<Vec<_>>());
            play.rest();
        });
    }
}

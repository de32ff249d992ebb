//! Transactions that stay open: the records behind them are waited for.

use super::*;
use crate::PartitionState;

/// Ten records, and a transaction that stays open behind them.
fn open(play: &mut Play<'_>) {
    play.write_quick(0, 0..10);
    play.happen(&Fault::Open { at: 0, records: 1 });
}

fn is_held_back(play: &Play<'_>) -> bool {
    play.status(0, 0).is_some_and(|now| now.state == PartitionState::HeldBack && now.blocked.is_none())
}

#[test]
fn a_commit_behind_an_open_transaction_is_waited_for() {
    for policy in [OutOfRange::Error, OutOfRange::Earliest, OutOfRange::Latest] {
        Ground::new(1, 1).config(move |config| config.out_of_range(policy)).play(|play| {
            open(play);
            play.write_quick(0, 11..15);
            play.reset(0, 14, "");
            play.start(0);
            play.until("it is named", is_held_back);
            assert_eq!(play.status(0, 0).and_then(|now| now.lag()), Some(1));
            play.pass(20 * SECOND);
            assert_eq!((play.committed(0), play.offsets(1, 0)), (Some(14), vec![]));
            play.happen(&Fault::Close { at: 0 });
            play.until("it goes on there", |play| play.committed(0) == Some(16));
            assert_eq!(play.offsets(1, 0), [14]);
            assert_eq!(play.stop(0).lag, Some(0));
        });
    }
}

#[test]
fn a_partition_that_is_held_back_is_not_the_one_that_is_out_of_range() {
    Ground::new(1, 2).config(|config| config.out_of_range(OutOfRange::Earliest)).play(|play| {
        open(play);
        play.write_quick(0, 11..15);
        play.write_quick(1, 0..10);
        play.start(0);
        play.until("what can be read is done", |play| {
            (play.committed(0), play.committed(1)) == (Some(10), Some(10))
        });
        play.happen(&Fault::Truncate { at: 1, records: 4 });
        play.write_quick(1, 6..8);
        play.until("the other one is read anew", |play| play.committed(1) == Some(8));
        play.pass(30 * SECOND);
        assert!(is_held_back(play));
        play.happen(&Fault::Close { at: 0 });
        play.until("all is done", |play| play.committed(0) == Some(16));
        let once: Vec<_> = play.offsets(1, 0);
        assert_eq!(once, (0..10).chain(11..15).collect::<Vec<_>>(), "nothing was read anew");
        play.rest();
    });
}

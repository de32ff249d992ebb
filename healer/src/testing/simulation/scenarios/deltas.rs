//! Rebalances that move only some partitions: the others notice nothing. An empty one is legal.

use super::*;

/// The protocols that let members keep their partitions in a rebalance.
const INCREMENTAL: [Protocol; 2] = [Protocol::Cooperative, Protocol::Consumer];

#[test]
fn partitions_that_stay_keep_what_is_at_work_and_what_waits() {
    Ground::new(2, 4).protocols(&INCREMENTAL).config(|config| config.in_flight(2)).play(|play| {
        for partition in 0..4 {
            play.write(partition, format!("wait {partition}"));
            play.write_quick(partition, 1..8);
        }
        play.start(0);
        play.until("all are at work", |play| {
            (0..4).all(|partition| play.visits(&format!("wait {partition}")) == 1)
        });
        play.pass(SECOND);
        play.start(1);
        play.until("some have moved", |play| {
            play.cluster().is_settled() && (0..2).all(|seat| play.handle(seat).partitions().len() == 2)
        });
        let stay: Vec<_> = play.handle(0).partitions().iter().map(|status| status.partition).collect();
        for partition in &stay {
            let status = play.status(0, *partition).expect("it stays");
            let blocked = status.blocked.expect("it is at work");
            assert_eq!((blocked.offset, status.pending > 0), (0, true));
            assert!(blocked.lasting >= SECOND, "all the time");
        }
        (0..4).for_each(|partition| play.let_go(&format!("wait {partition}")));
        play.until("all is committed", |play| (0..4).all(|partition| play.committed(partition) == Some(8)));
        for partition in stay {
            assert_eq!(play.offsets(1, partition), (0..8).collect::<Vec<_>>(), "each once, in order");
            assert_eq!(play.offsets(2, partition), [0; 0]);
        }
        play.rest();
    });
}

#[test]
fn a_rebalance_that_moves_nothing_disturbs_nothing() {
    Ground::new(1, 2).protocols(&INCREMENTAL).play(|play| {
        play.write(0, "wait 0");
        play.write_quick(0, 1..4);
        play.start(0);
        play.until("it is at work", |play| play.visits("wait 0") == 1 && play.offsets(1, 0).len() == 4);
        let generation = play.cluster().generation(play.member(0));
        for _ in 0..3 {
            play.happen(&Fault::Rebalance);
            play.pass(3 * SECOND);
        }
        assert!(play.cluster().generation(play.member(0)) > generation);
        play.let_go("wait 0");
        play.until("all is committed", |play| play.committed(0) == Some(4));
        assert_eq!(play.offsets(1, 0), [0, 1, 2, 3]);
        assert_eq!(play.stop(0).fenced, 0);
    });
}

#[test]
fn a_member_may_be_given_nothing_and_gets_its_share_later() {
    Ground::new(2, 1).play(|play| {
        play.start(0);
        play.write(0, "quick 0");
        play.until("it is committed", |play| play.committed(0) == Some(1));
        play.start(1);
        play.until("it is a member", |play| {
            play.cluster().is_settled() && play.cluster().generation(play.member(1)) > 0
        });
        play.pass(10 * SECOND);
        assert!(play.handle(1).partitions().is_empty() && play.ended(1).is_none());
        play.stop(0);
        play.write(0, "quick 1");
        play.until("the other one goes on", |play| play.committed(0) == Some(2));
        assert_eq!(play.offsets(2, 0), [1]);
        play.rest();
    });
}

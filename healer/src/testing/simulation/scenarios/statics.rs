//! Static members: a restart moves nothing, and two with one name are one too many.

use super::*;

/// Two static members with their shares, and records that are done.
fn two(play: &mut Play<'_>) -> i32 {
    play.start(0);
    play.until("the first member has all", |play| play.has(0, 0) && play.has(0, 1));
    play.start(1);
    play.until("both have their shares", |play| {
        play.cluster().is_settled() && (0..2).all(|seat| play.handle(seat).partitions().len() == 1)
    });
    (0..2).for_each(|partition| play.write_quick(partition, 0..5));
    play.until("all is committed", |play| (0..2).all(|partition| play.committed(partition) == Some(5)));
    play.handle(0).partitions()[0].partition
}

/// The first one starts again within its session: nobody else hears of it, and it goes on where it was.
fn comes_back(play: &mut Play<'_>, partition: i32, generation: i32) {
    let other = 1 - partition;
    play.write_quick(partition, 5..8);
    play.write(other, "wait 5");
    play.until("the other member is at work", |play| play.visits("wait 5") == 1);
    play.start(0);
    play.until("what came meanwhile is committed", |play| play.committed(partition) == Some(8));
    assert_eq!(play.offsets(3, partition), [5, 6, 7], "from the committed offset on");
    assert_eq!(play.cluster().generation(play.member(1)), generation, "nothing was shared anew");
    play.let_go("wait 5");
    play.rest();
    assert_eq!(play.offsets(2, other).last(), Some(&5));
    assert_eq!(play.visits("wait 5"), 1, "the other member was not disturbed");
}

#[test]
fn a_static_member_that_stops_and_starts_within_its_session_moves_nothing() {
    Ground::new(2, 2).instances(&["a", "b"]).play(|play| {
        let partition = two(play);
        let generation = play.cluster().generation(play.member(1));
        play.stop(0);
        play.pass(SECOND);
        comes_back(play, partition, generation);
    });
}

#[test]
fn a_static_member_that_is_killed_and_starts_within_its_session_moves_nothing() {
    // With KIP-848 the newcomer is refused until the session of the one before has ended.
    Ground::new(2, 2).instances(&["a", "b"]).protocols(&CLASSIC).play(|play| {
        let partition = two(play);
        let generation = play.cluster().generation(play.member(1));
        play.kill(0);
        play.pass(SECOND);
        comes_back(play, partition, generation);
    });
}

#[test]
fn of_two_members_with_one_name_one_ends_with_an_error_that_says_so_and_commits_nothing() {
    Ground::new(2, 1).instances(&["same", "same"]).play(|play| {
        play.start(0);
        play.write(0, "quick 0");
        play.write(0, "wait 1");
        play.until("the first record is committed", |play| play.committed(0) == Some(1));
        play.until("the second one is at work", |play| play.visits("wait 1") == 1);
        let first = play.member(0);
        play.start(1);
        let members = [first, play.member(1)];
        let before = play.commits(0).len();
        play.until("one of them has ended", |play| (0..2).any(|seat| play.ended(seat).is_some()));
        let loser = usize::from(play.ended(0).is_none());
        assert_eq!(loser == 0, play.protocol != Protocol::Consumer);
        let Some(Err(Error::Broker(text))) = play.ended(loser) else { panic!("{:?}", play.ended(loser)) };
        assert!(text.contains("group.instance.id"), "{text}");
        play.let_go("wait 1");
        play.until("the other one goes on", |play| play.committed(0) == Some(2));
        assert!(play.commits(0)[before..].iter().all(|commit| commit.member != Some(members[loser].0)));
        assert!(play.ended(1 - loser).is_none());
        play.rest();
    });
}

//! Members that crash, freeze, forget to poll, or share a name.

use super::*;

#[test]
fn a_crashed_member_is_evicted_when_its_session_ends() {
    for protocol in ALL {
        let cluster = cluster(4);
        let (mut first, second) = pair(&cluster, protocol);
        cluster.crash(second.id);
        drop(second);
        pass(&mut [&mut first], 40);
        assert_eq!(first.owned().len(), 2, "{protocol:?}: its session goes on");
        pass(&mut [&mut first], 20);
        assert_eq!(first.owned(), [0, 1, 2, 3], "{protocol:?}");
    }
}

#[test]
fn a_frozen_member_that_wakes_is_told_that_it_has_lost_everything() {
    for protocol in ALL {
        let cluster = cluster(2);
        let (mut first, mut second) = pair(&cluster, protocol);
        let had = second.owned();
        cluster.freeze(second.id);
        pass(&mut [&mut first], 70);
        assert_eq!(first.owned(), [0, 1], "{protocol:?}");
        cluster.thaw(second.id);
        // It does not know yet.
        let refused = second.refused(had[0], 1);
        assert_eq!(refused, CommitErrorKind::Fenced, "{protocol:?}");
        pass(&mut [&mut second], 1);
        assert_eq!(second.told(), [format!("lost {had:?}")], "{protocol:?}");
        pass(&mut [&mut first, &mut second], 20);
        assert_eq!(second.owned().len(), 1, "{protocol:?}");
    }
}

#[test]
fn a_freeze_shorter_than_the_session_changes_nothing() {
    for protocol in ALL {
        let cluster = cluster(2);
        let (mut first, mut second) = pair(&cluster, protocol);
        cluster.freeze(second.id);
        pass(&mut [&mut first], 40);
        cluster.thaw(second.id);
        pass(&mut [&mut first, &mut second], 10);
        assert!(first.told().is_empty() && second.told().is_empty(), "{protocol:?}");
    }
}

#[test]
fn a_member_that_polls_too_late_leaves_and_comes_back_with_its_next_poll() {
    for protocol in ALL {
        let cluster = cluster(2);
        let (mut first, mut second) = pair(&cluster, protocol);
        let had = second.owned();
        pass(&mut [&mut first], 330);
        assert_eq!(first.owned(), [0, 1], "{protocol:?}");
        second.run();
        assert_eq!(second.told(), ["Transient".to_owned(), format!("lost {had:?}")], "{protocol:?}");
        pass(&mut [&mut first, &mut second], 20);
        assert!(cluster.is_settled() && second.owned().len() == 1, "{protocol:?}");
    }
}

#[test]
fn a_lost_member_hears_of_it_with_its_next_heartbeat() {
    for protocol in ALL {
        let cluster = cluster(2);
        let mut member = alone(&cluster, protocol);
        put(&cluster, 0, 1);
        cluster.lose(member.id);
        member.run();
        assert_eq!(member.seen(), [(0, 0)], "{protocol:?}: a zombie for a moment");
        pass(&mut [&mut member], 4);
        assert_eq!(member.told()[0], "lost [0, 1]", "{protocol:?}");
        pass(&mut [&mut member], 4);
        assert_eq!(member.owned(), [0, 1], "{protocol:?}");
    }
}

#[test]
fn a_static_member_that_missed_a_join_is_told_so_and_comes_back() {
    for protocol in [Protocol::Eager, Protocol::Cooperative] {
        let cluster = cluster(6);
        let mut first = Member::of(&cluster, Some("a"), protocol);
        pass(&mut [&mut first], 20);
        let mut second = Member::of(&cluster, Some("b"), protocol);
        let mut owed = Vec::new();
        for _ in 0..20 {
            pass(&mut [&mut first], 1);
            owed.extend(second.poll());
        }
        // It polls and owes an answer, so it cannot join before the time is over.
        let mut third = Member::of(&cluster, Some("c"), protocol);
        for _ in 0..310 {
            pass(&mut [&mut first, &mut third], 1);
            owed.extend(second.poll());
        }
        second.answer(owed);
        pass(&mut [&mut first, &mut second, &mut third], 30);
        let shares = [&first, &second, &third].map(|member| member.owned().len());
        assert_eq!((shares, cluster.is_settled()), ([2, 2, 2], true), "{protocol:?}");
    }
}

#[test]
fn a_static_member_that_restarts_in_time_keeps_its_share_without_a_rebalance() {
    for protocol in ALL {
        let cluster = cluster(4);
        let mut first = Member::of(&cluster, Some("a"), protocol);
        let mut second = Member::of(&cluster, Some("b"), protocol);
        pass(&mut [&mut first, &mut second], 20);
        let had = second.owned();
        first.told();
        second.told();
        second.broker.close(SECOND);
        pass(&mut [&mut first], 20);
        let mut again = Member::of(&cluster, Some("b"), protocol);
        pass(&mut [&mut first, &mut again], 10);
        assert_eq!(again.told(), [format!("assigned {had:?}")], "{protocol:?}");
        assert!(first.told().is_empty() && cluster.is_settled(), "{protocol:?}");
        again.commit(had[0], 1).unwrap();

        again.broker.close(SECOND);
        pass(&mut [&mut first], 60);
        assert_eq!(first.owned(), [0, 1, 2, 3], "{protocol:?}: the session is over");
    }
}

#[test]
fn a_classic_member_with_a_taken_instance_id_fences_the_older_one() {
    for protocol in [Protocol::Eager, Protocol::Cooperative] {
        let cluster = cluster(2);
        let mut old = Member::of(&cluster, Some("a"), protocol);
        pass(&mut [&mut old], 2);
        let mut new = Member::of(&cluster, Some("a"), protocol);
        pass(&mut [&mut old, &mut new], 10);
        assert_eq!(old.told(), ["assigned [0, 1]", "Fatal"], "{protocol:?}");
        assert_eq!(new.told(), ["assigned [0, 1]"], "{protocol:?}");
        assert_eq!(old.refused(0, 1), CommitErrorKind::Fatal);
        assert!(!cluster.is_usable(old.id));
        put(&cluster, 0, 1);
        pass(&mut [&mut old, &mut new], 2);
        assert!(old.seen().is_empty() && new.seen() == [(0, 0)], "{protocol:?}");
    }
}

#[test]
fn with_the_consumer_protocol_a_taken_instance_id_refuses_the_newcomer_also_after_a_crash() {
    let cluster = cluster(2);
    let mut old = Member::of(&cluster, Some("a"), Protocol::Consumer);
    pass(&mut [&mut old], 2);
    let mut new = Member::of(&cluster, Some("a"), Protocol::Consumer);
    pass(&mut [&mut old, &mut new], 5);
    assert_eq!(new.told(), ["Fatal"]);
    assert_eq!(old.told(), ["assigned [0, 1]"]);
    cluster.crash(old.id);
    let mut early = Member::of(&cluster, Some("a"), Protocol::Consumer);
    pass(&mut [&mut early], 5);
    assert_eq!(early.told(), ["Fatal"]);
    cluster.advance(cluster.now() + 50 * SECOND);
    let mut late = Member::of(&cluster, Some("a"), Protocol::Consumer);
    pass(&mut [&mut late], 5);
    assert_eq!(late.told(), ["assigned [0, 1]"]);
}

#[test]
fn an_outage_fails_requests_and_ends_no_session() {
    for protocol in ALL {
        let cluster = cluster(2);
        let (mut first, mut second) = pair(&cluster, protocol);
        put(&cluster, 0, 5);
        cluster.down(true);
        pass(&mut [&mut first, &mut second], 30);
        assert!(first.seen().is_empty() && second.seen().is_empty());
        let remote = first.broker.remote();
        assert_eq!(remote.watermarks_of(&tp(0), SECOND).unwrap_err().kind, BrokerErrorKind::Unreachable);
        assert_eq!(remote.committed(&[tp(0)], SECOND).unwrap_err().kind, BrokerErrorKind::Unreachable);
        assert_eq!(first.refused(0, 1), CommitErrorKind::Retriable);
        cluster.down(false);
        pass(&mut [&mut first, &mut second], 30);
        assert_eq!(first.seen().len() + second.seen().len(), 5, "{protocol:?}");
        assert!(first.told().is_empty() && second.told().is_empty(), "{protocol:?}");
    }
}

#[test]
fn a_classic_client_gives_up_what_it_has_after_a_session_without_the_coordinator() {
    for protocol in ALL {
        let cluster = cluster(1);
        let mut member = alone(&cluster, protocol);
        cluster.down(true);
        pass(&mut [&mut member], 60);
        let classic = protocol != Protocol::Consumer;
        assert_eq!(member.told() == ["lost [0]"], classic, "{protocol:?}");
        cluster.down(false);
        pass(&mut [&mut member], 60);
        assert_eq!(member.owned(), [0], "{protocol:?}");
    }
}

#[test]
fn who_leaves_during_a_rebalance_does_not_hold_the_others_up() {
    for protocol in ALL {
        let cluster = cluster(2);
        let mut first = alone(&cluster, protocol);
        let mut second = Member::new(&cluster, protocol);
        while first.poll().is_empty() {
            pass(&mut [&mut second], 1);
        }
        first.broker.close(SECOND);
        pass(&mut [&mut second], 20);
        assert_eq!(second.owned(), [0, 1], "{protocol:?}");
    }
}

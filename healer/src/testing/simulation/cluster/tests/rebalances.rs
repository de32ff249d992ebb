//! Each protocol's way of moving partitions.

use super::*;

#[test]
fn eager_members_give_all_back_before_all_is_shared() {
    let cluster = cluster(4);
    let mut first = Member::new(&cluster, Protocol::Eager);
    pass(&mut [&mut first], 2);
    assert_eq!(first.told(), ["assigned [0, 1, 2, 3]"]);
    let mut second = Member::new(&cluster, Protocol::Eager);
    pass(&mut [&mut first, &mut second], 10);
    assert_eq!(first.told(), ["revoked [0, 1, 2, 3]", "assigned [2, 3]"]);
    assert_eq!(second.told(), ["assigned [0, 1]"]);
    assert_eq!(cluster.generation(first.id), 2);
}

#[test]
fn cooperative_members_move_only_the_difference_in_two_rebalances() {
    let cluster = cluster(4);
    let mut first = Member::new(&cluster, Protocol::Cooperative);
    pass(&mut [&mut first], 2);
    assert_eq!(first.told(), ["assigned [0, 1, 2, 3]"]);
    let mut second = Member::new(&cluster, Protocol::Cooperative);
    pass(&mut [&mut first, &mut second], 20);
    assert_eq!(first.told(), ["revoked [0, 1]", "assigned", "assigned"]);
    assert_eq!(second.told(), ["assigned", "assigned [0, 1]"]);
    assert_eq!(cluster.generation(second.id), 3);
}

#[test]
fn with_the_consumer_protocol_a_partition_goes_on_once_it_was_given_back() {
    let cluster = cluster(4);
    let mut first = Member::new(&cluster, Protocol::Consumer);
    pass(&mut [&mut first], 2);
    assert_eq!(first.told(), ["assigned [0, 1, 2, 3]"]);
    let mut second = Member::new(&cluster, Protocol::Consumer);
    let mut revoke = Vec::new();
    for _ in 0..5 {
        pass(&mut [&mut second], 1);
        revoke.extend(first.poll());
    }
    assert_eq!(first.told(), ["revoked [0, 1]"]);
    pass(&mut [&mut second], 30);
    assert!(second.owned().is_empty(), "the first one has not let go");
    first.answer(revoke);
    pass(&mut [&mut first, &mut second], 10);
    assert_eq!(first.told(), ["assigned"]);
    assert_eq!(second.told(), ["assigned [0, 1]"]);
    assert!(cluster.is_settled());
    assert_eq!(cluster.generation(first.id), cluster.generation(second.id));
}

#[test]
fn nothing_is_delivered_from_a_revoke_to_its_answer() {
    for protocol in ALL {
        let cluster = cluster(2);
        let mut first = alone(&cluster, protocol);
        put(&cluster, 0, 200);
        put(&cluster, 1, 200);
        first.run();
        assert_eq!(first.seen().len(), 100, "{protocol:?}");
        let mut second = Member::new(&cluster, protocol);
        let mut revoke = Vec::new();
        while revoke.is_empty() {
            pass(&mut [&mut second], 1);
            revoke = first.poll();
        }
        assert!(first.told()[0].starts_with("revoked"), "{protocol:?}");
        first.seen();
        for _ in 0..20 {
            pass(&mut [&mut second], 1);
            first.poll();
        }
        assert!(first.seen().is_empty() && second.seen().is_empty(), "{protocol:?}");
        first.answer(revoke);
        for _ in 0..30 {
            pass(&mut [&mut first, &mut second], 1);
        }
        let mut all = [first.seen(), second.seen()].concat();
        all.sort_unstable();
        all.dedup();
        assert!(first.owned().len() == 1 && second.owned().len() == 1, "{protocol:?}");
        assert!(all.ends_with(&[(1, 199)]), "{protocol:?}: {:?}", all.last());
    }
}

#[test]
fn untouched_partitions_go_on_where_they_were_after_a_cooperative_revoke() {
    for protocol in [Protocol::Cooperative, Protocol::Consumer] {
        let cluster = cluster(2);
        let mut first = alone(&cluster, protocol);
        put(&cluster, 1, 250);
        first.run();
        let mut second = Member::new(&cluster, protocol);
        pass(&mut [&mut first, &mut second], 20);
        assert_eq!(first.owned(), [1], "{protocol:?}");
        let offsets: Vec<_> = first.seen().into_iter().map(|(_, offset)| offset).collect();
        assert_eq!(offsets, (0..250).collect::<Vec<_>>(), "{protocol:?}");
    }
}

#[test]
fn a_member_that_leaves_leaves_its_share_to_the_others() {
    for protocol in ALL {
        let cluster = cluster(4);
        let (mut first, second) = pair(&cluster, protocol);
        assert_eq!((first.owned().len(), second.owned().len()), (2, 2));
        second.broker.close(SECOND);
        pass(&mut [&mut first], 20);
        assert_eq!(first.owned(), [0, 1, 2, 3], "{protocol:?}");
        assert!(cluster.is_settled());
    }
}

#[test]
fn a_member_that_does_not_answer_a_revoke_in_time_is_evicted_and_loses_all() {
    for protocol in ALL {
        let cluster = cluster(2);
        let mut first = alone(&cluster, protocol);
        let mut second = Member::new(&cluster, protocol);
        let mut revoke = Vec::new();
        while revoke.is_empty() {
            pass(&mut [&mut second], 1);
            revoke = first.poll();
        }
        if protocol == Protocol::Cooperative {
            // Its revoke comes when the rebalance is over: the next one waits for it.
            cluster.rebalance(GROUP);
        }
        for _ in 0..330 {
            pass(&mut [&mut second], 1);
            first.poll();
        }
        assert_eq!(second.owned(), [0, 1], "{protocol:?}");
        assert_eq!(first.refused(0, 1), CommitErrorKind::Fenced);
        first.told();
        first.answer(revoke);
        pass(&mut [&mut first, &mut second], 30);
        let told = first.told();
        // The eager one has given all back with its late answer.
        assert_eq!(told[0] == "lost [1]", protocol != Protocol::Eager, "{protocol:?}: {told:?}");
        assert!(cluster.is_settled(), "{protocol:?}: {told:?}");
        assert_eq!(first.owned().len(), 1);
    }
}

#[test]
fn partitions_that_are_added_are_shared() {
    for protocol in ALL {
        let cluster = cluster(1);
        let mut member = alone(&cluster, protocol);
        cluster.add_partitions("t", 2);
        pass(&mut [&mut member], 10);
        assert_eq!(member.owned(), [0, 1, 2], "{protocol:?}");
    }
}

#[test]
fn a_rebalance_without_need_moves_partitions_and_keeps_them_all() {
    for protocol in ALL {
        let cluster = cluster(6);
        let (mut first, mut second) = pair(&cluster, protocol);
        let mut moved = false;
        for _ in 0..10 {
            let before = first.owned();
            cluster.rebalance(GROUP);
            pass(&mut [&mut first, &mut second], 30);
            assert!(cluster.is_settled(), "{protocol:?}");
            let mut all = [first.owned(), second.owned()].concat();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3, 4, 5], "{protocol:?}");
            moved |= first.owned() != before;
        }
        assert!(moved, "{protocol:?}");
    }
}

#[test]
fn a_pattern_finds_topics_that_are_created_later() {
    for protocol in ALL {
        let cluster = cluster(1);
        let mut member = Member::new(&cluster, protocol);
        member.broker.subscribe(&[Topics::Pattern("^t.*".into())]).unwrap();
        pass(&mut [&mut member], 2);
        cluster.create_topic("t2", 1);
        cluster.create_topic("u", 1);
        pass(&mut [&mut member], 20);
        let owned: Vec<_> = cluster.owned(member.id).iter().map(ToString::to_string).collect();
        assert_eq!(owned, ["t[0]", "t2[0]"], "{protocol:?}");
    }
}

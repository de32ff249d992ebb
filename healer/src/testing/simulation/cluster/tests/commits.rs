//! The commits that the coordinator takes, refuses and remembers.

use super::*;

#[test]
fn a_commit_is_checked_by_member_and_generation_and_not_by_ownership() {
    for protocol in ALL {
        let cluster = cluster(2);
        let (first, second) = pair(&cluster, protocol);
        let foreign = second.owned()[0];
        first.commit(foreign, 3).unwrap();
        assert_eq!(cluster.committed(GROUP, "t", foreign), Some((3, String::new())), "{protocol:?}");
        let entry = cluster.history(0).pop().unwrap();
        assert_eq!((entry.member, entry.offset, &*entry.group), (Some(first.id.0), 3, GROUP));
        assert_eq!(entry.generation, cluster.generation(first.id));
        assert_eq!(cluster.name(entry.partition), tp(foreign));
        assert_eq!(entry.at, cluster.now());
    }
}

#[test]
fn a_member_that_is_out_may_not_commit_while_others_are_in() {
    for protocol in ALL {
        let cluster = cluster(2);
        let (first, _second) = pair(&cluster, protocol);
        cluster.lose(first.id);
        assert_eq!(first.refused(0, 1), CommitErrorKind::Fenced, "{protocol:?}");
        assert!(cluster.history(0).is_empty());
    }
}

#[test]
fn an_empty_group_takes_commits_of_clients_without_a_generation() {
    let cluster = cluster(1);
    let outsider = cluster.member(GROUP, None, Protocol::Consumer);
    let commit = || {
        let commit = Commit { partition: tp(0), offset: 1, metadata: String::new() };
        outsider.remote().commit(&[commit])
    };
    commit().unwrap();
    assert_eq!(cluster.history(0)[0].generation, -1);
    let mut member = Member::new(&cluster, Protocol::Consumer);
    pass(&mut [&mut member], 2);
    assert_eq!(commit().unwrap_err().kind, CommitErrorKind::Fenced);
}

#[test]
fn classic_commits_are_taken_while_others_join_and_refused_while_the_leader_shares() {
    for protocol in [Protocol::Eager, Protocol::Cooperative] {
        let cluster = cluster(2);
        let mut first = alone(&cluster, protocol);
        let _second = Member::new(&cluster, protocol);
        // The second one has joined, the first one does not know.
        cluster.advance(cluster.now());
        first.commit(0, 1).unwrap();
        cluster.tune(|settings| settings.latency = 10 * SECOND);
        let mut kinds = Vec::new();
        for _ in 0..40 {
            cluster.advance(cluster.now() + SECOND);
            first.run();
            if let Err(error) = first.commit(0, 2) {
                kinds.push(error.kind);
            }
        }
        assert!(kinds.contains(&CommitErrorKind::Rebalancing), "{protocol:?}: {kinds:?}");
        assert!(kinds.iter().all(|kind| *kind == CommitErrorKind::Rebalancing), "{protocol:?}: {kinds:?}");
    }
}

#[test]
fn a_revoked_partition_may_be_committed_until_it_is_given_back() {
    for protocol in ALL {
        let cluster = cluster(2);
        let mut first = alone(&cluster, protocol);
        let mut second = Member::new(&cluster, protocol);
        while first.poll().is_empty() {
            pass(&mut [&mut second], 1);
        }
        first.commit_all(&[(0, 4), (1, 5)]).unwrap();
        let offsets: Vec<_> = cluster.history(0).iter().map(|entry| entry.offset).collect();
        assert_eq!(offsets, [4, 5], "{protocol:?}");
    }
}

#[test]
fn faults_stand_in_line_and_some_of_them_store() {
    let cluster = cluster(2);
    let (member, _other) = pair(&cluster, Protocol::Consumer);
    let faults = [
        (CommitFault::Unavailable, CommitErrorKind::Retriable, 0),
        (CommitFault::AnswerLost, CommitErrorKind::Retriable, 2),
        (CommitFault::Partial(1), CommitErrorKind::Retriable, 1),
        (CommitFault::Forbidden, CommitErrorKind::Fatal, 0),
        (CommitFault::Rebalancing, CommitErrorKind::Rebalancing, 0),
        (CommitFault::IllegalGeneration, CommitErrorKind::Rebalancing, 0),
        (CommitFault::UnknownMember, CommitErrorKind::Fenced, 0),
    ];
    for (fault, _, _) in faults {
        cluster.fault(member.id, fault);
    }
    for (fault, kind, stored) in faults {
        let before = cluster.history(0).len();
        let error = member.commit_all(&[(0, 1), (1, 1)]).unwrap_err();
        assert_eq!((error.kind, cluster.history(before).len()), (kind, stored), "{fault:?}");
    }
}

#[test]
fn a_member_that_is_not_known_any_more_loses_its_partitions() {
    for protocol in ALL {
        let cluster = cluster(1);
        let (mut first, mut second) = pair(&cluster, protocol);
        let owner = if first.owned().is_empty() { &mut second } else { &mut first };
        cluster.fault(owner.id, CommitFault::UnknownMember);
        assert_eq!(owner.refused(0, 1), CommitErrorKind::Fenced, "{protocol:?}");
        pass(&mut [owner], 4);
        assert_eq!(owner.told()[0], "lost [0]", "{protocol:?}");
    }
}

#[test]
fn metadata_above_the_limit_is_refused_for_its_entry_alone() {
    let cluster = cluster(2);
    let member = alone(&cluster, Protocol::Consumer);
    let entry = |partition, len| Commit { partition: tp(partition), offset: 1, metadata: "x".repeat(len) };
    let remote = member.broker.remote();
    remote.commit(&[entry(0, 4096)]).unwrap();
    assert_eq!(remote.commit(&[entry(0, 4097), entry(1, 1)]).unwrap_err().kind, CommitErrorKind::Fatal);
    assert_eq!(cluster.committed(GROUP, "t", 1), Some((1, "x".into())));
    cluster.tune(|settings| settings.max_metadata = 8);
    assert_eq!(remote.commit(&[entry(0, 9)]).unwrap_err().kind, CommitErrorKind::Fatal);
}

#[test]
fn an_admin_resets_offsets_at_any_time() {
    let cluster = cluster(1);
    let member = alone(&cluster, Protocol::Cooperative);
    member.commit(0, 5).unwrap();
    cluster.reset(GROUP, "t", 0, 2, "by hand");
    let committed = member.broker.remote().committed(&[tp(0)], SECOND).unwrap();
    assert_eq!(
        committed[0].as_ref().map(|c| (c.offset, c.metadata.clone())),
        Some((2, Ok("by hand".into())))
    );
    assert_eq!(cluster.history(1)[0].member, None);
    cluster.forget(GROUP, "t", 0);
    assert_eq!(cluster.committed(GROUP, "t", 0), None);
}

#[test]
fn a_closed_client_asks_nothing() {
    let cluster = cluster(1);
    let member = alone(&cluster, Protocol::Consumer);
    let remote = member.broker.remote();
    member.broker.close(SECOND);
    assert_eq!(remote.watermarks_of(&tp(0), SECOND).unwrap_err().kind, BrokerErrorKind::Fatal);
    let commit = Commit { partition: tp(0), offset: 1, metadata: String::new() };
    assert_eq!(remote.commit(&[commit]).unwrap_err().kind, CommitErrorKind::Fatal);
}

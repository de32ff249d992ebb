use healer_store::{DoneAbove, Ledger, Run};

use super::rig::{
    self, BUDGET, INTERVAL, LINEAGE, METADATA, Rig, at, done, fresh, moved, partition, said, scope,
};
use crate::{
    broker::CommitErrorKind,
    engine::{
        PartitionState,
        core::{
            Action, Event, Said, Start, decode_metadata, metadata::claim, metadata::encode as encode_for,
        },
    },
    envelope::Receipt,
    journal::Scope,
};

/// For the one partition.
fn encode(claim: &DoneAbove, limit: usize) -> Option<String> {
    encode_for(LINEAGE, claim.frontier, Some(claim), limit, scope().mark("t", 0))
}

fn decode(text: &str, offset: i64) -> Option<DoneAbove> {
    rig::decode(text, offset, 0)
}

/// The text of a commit where nothing but the lineage is known or has room.
fn lineage_alone(offset: i64, lineage: u64) -> String {
    encode_for(lineage, offset, None, 40, scope().mark("t", 0)).expect("this has room")
}

/// Offset and metadata of the only entry of the only commit request.
fn commit(actions: &[Action]) -> Option<(i64, &str)> {
    actions.iter().find_map(|action| match action {
        Action::Commit(entries) => Some((entries[0].offset, entries[0].metadata.as_str())),
        _ => None,
    })
}

fn some_claim() -> DoneAbove {
    let leader_epoch = Some(5);
    DoneAbove {
        frontier: 1_000,
        fingerprint: 42,
        leader_epoch,
        runs: vec![Run::new(1_001, 1_500), Run::new(1_501, 9_000)],
    }
}

/// 0 to 9 left for tasks; their receipts.
fn rig() -> (Rig, Vec<Receipt>) {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let receipts = (0..10).map(|offset| rig.receipt(0, 1, offset, 1)).collect();
    rig.chunk(0, 1, &[moved(0, 10)]);
    (rig, receipts)
}

#[test]
fn what_is_written_reads_back_for_its_own_offset_only() {
    let text = encode(&some_claim(), 4_096).expect("it is short");
    assert_eq!(decode(&text, 1_000), Some(some_claim()));
    assert_eq!(decode(&text, 1_001), None);
    assert_eq!(decode(&text, 999), None);
    assert_eq!(encode(&some_claim(), text.len()), Some(text.clone()));
    assert_eq!(encode(&some_claim(), text.len() - 1), None, "above the limit");
    assert!(text.is_ascii());
}

#[test]
fn what_is_written_for_one_cluster_group_pipeline_and_partition_is_nothing_to_another() {
    let at = |cluster, group, pipeline, topic, partition| {
        Scope::new(cluster, group, pipeline).mark(topic, partition)
    };
    let own = at("c", "g", "p", "t", 0);
    let text = encode_for(LINEAGE, 1_000, Some(&some_claim()), 4_096, own).expect("it is short");
    assert_eq!(
        decode_metadata(&text, 1_000, own),
        Some(Said { lineage: LINEAGE, claim: Some(some_claim()) })
    );
    let others = [
        at("d", "g", "p", "t", 0),
        at("c", "h", "p", "t", 0),
        at("c", "g", "q", "t", 0),
        at("c", "g", "p", "u", 0),
        at("c", "g", "p", "t", 1),
        at("cg", "", "p", "t", 0),
    ];
    for other in others {
        assert_eq!(decode_metadata(&text, 1_000, other), None);
    }
}

#[test]
fn text_that_is_damaged_or_somebody_else_s_claims_nothing() {
    let text = encode(&some_claim(), 4_096).expect("it is short");
    for at in 0..text.len() {
        for other in [b'A', b'/', b'=', b' ', 0] {
            let mut bytes = text.clone().into_bytes();
            if std::mem::replace(&mut bytes[at], other) != other {
                let damaged = String::from_utf8(bytes).expect("ascii");
                assert_eq!(decode(&damaged, 1_000), None, "{damaged:?}");
            }
        }
        assert_eq!(decode(&text[..at], 1_000), None);
    }
    let huge = format!("healer2:{}", "A".repeat(3 << 20));
    for foreign in [
        "",
        " ",
        "healer2:",
        "healer1:AAAA",
        "healer2:AAAA",
        "healer3:AAAA",
        "AgAAAY0bZbUA",
        "bAAAAAAAAAAE",
        "\u{0}\u{1}é",
        "NONE",
        huge.as_str(),
    ] {
        assert_eq!(decode(foreign, 1_000), None);
    }
}

#[test]
fn what_is_done_above_travels_with_the_commit_once() {
    let (mut rig, _receipts) = rig();
    rig.heal(0, 1, 4);
    let actions = rig.pass(INTERVAL);
    let (offset, text) = commit(&actions).expect("the frontier stands still, but more is done");
    let said = decode(text, 0).expect("it is ours");
    assert_eq!((offset, said.runs), (0, vec![Run::new(4, 5)]));
    rig.acknowledge();
    assert_eq!(commit(&rig.pass(INTERVAL)), None, "the group knows that");
    rig.heal(0, 1, 5);
    assert!(commit(&rig.pass(INTERVAL / 2)).is_none());
    let actions = rig.pass(INTERVAL / 2);
    assert_eq!(decode(commit(&actions).expect("more").1, 0).expect("ours").runs, [Run::new(4, 6)]);
    rig.refuse(CommitErrorKind::Retriable);
    let actions = rig.pass(INTERVAL);
    assert!(commit(&actions).is_some(), "what was not acknowledged is not known");
    rig.acknowledge();
    rig.heal(0, 1, 0);
    let actions = rig.pass(INTERVAL);
    let (offset, text) = commit(&actions).expect("the frontier moved");
    assert_eq!((offset, decode(text, 1).expect("ours").runs), (1, vec![Run::new(4, 6)]));
}

#[test]
fn every_commit_says_its_lineage_which_begins_anew_wherever_the_group_goes_back() {
    let text = lineage_alone(1_000, LINEAGE);
    assert_eq!((text.len(), decode(&text, 1_000)), (40, None));
    let alone = |lineage| Some(Said { lineage, claim: None });
    assert_eq!(said(&text, 1_000, 0), alone(LINEAGE));
    assert_eq!(said(&text, 1_001, 0), None);
    assert_eq!(encode_for(LINEAGE, 1_000, None, 39, scope().mark("t", 0)), None);

    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    let actions = rig.pass(INTERVAL);
    assert_eq!(said(commit(&actions).expect("5").1, 5, 0), alone(LINEAGE), "it goes on");
    rig.acknowledge();
    // A seek or a log that went back: also where the driver took a lineage for one that goes on.
    let actions = rig.restart(0, 2, Start { lineage: Some(LINEAGE), ..Start::at(2) });
    assert_eq!(said(commit(&actions).expect("2").1, 2, 0), alone(fresh(2)));
    rig.acknowledge();
    rig.chunk(0, 2, &[done(2, 5)]);
    let actions = rig.pass(INTERVAL);
    assert_eq!(
        said(commit(&actions).expect("5").1, 5, 0),
        alone(fresh(2)),
        "the offset is the same, and it is not"
    );
    rig.acknowledge();
    rig.assign(0, 3, at(None));
    rig.chunk(0, 3, &[done(0, 5)]);
    let actions = rig.pass(INTERVAL);
    assert_eq!(said(commit(&actions).expect("5").1, 5, 0), alone(fresh(3)), "the group was made anew");
}

#[test]
fn a_lineage_that_the_group_does_not_know_is_told_once_even_where_the_map_has_no_room() {
    let mut rig = Rig::new();
    rig.assign(0, 1, Start { committed: Some(0), ..Start::at(0) });
    let _receipts: Vec<_> = (0..30).map(|n| rig.receipt(0, 1, n * 10, 1)).collect();
    let runs: Vec<_> =
        (0..30).flat_map(|n| [moved(n * 10, n * 10 + 1), done(n * 10 + 1, n * 10 + 10)]).collect();
    rig.chunk(0, 1, &runs);
    let actions = rig.pass(INTERVAL);
    assert_eq!(commit(&actions), Some((0, &*lineage_alone(0, fresh(1)))), "or no store would be believed");
    rig.refuse(CommitErrorKind::Retriable);
    let actions = rig.pass(INTERVAL);
    assert!(commit(&actions).is_some(), "what was not acknowledged is not known");
    rig.acknowledge();
    rig.heal(0, 1, 290);
    assert_eq!(commit(&rig.pass(INTERVAL)), None, "the group knows that");
}

#[test]
fn a_snapshot_that_is_not_believed_is_written_over_at_once() {
    for is_stale in [true, false] {
        let mut rig = Rig::new();
        let actions = rig.assign(0, 1, Start { is_stale, ..at(Some(3)) });
        let saves =
            actions.iter().any(|action| matches!(action, Action::Save { slots, .. } if slots == &[0]));
        assert_eq!((saves, commit(&actions)), (is_stale, None));
    }
}

#[test]
fn nothing_is_said_about_a_frontier_whose_record_is_not_known() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 1), done(1, 5)]);
    assert_eq!(commit(&rig.pass(INTERVAL)), None);
    rig.heal(0, 1, 0);
    assert_eq!(commit(&rig.pass(INTERVAL)), Some((5, &*lineage_alone(5, LINEAGE))), "nothing is above");
}

#[test]
fn a_claim_that_waits_to_be_proven_is_passed_on_as_it_came() {
    let mut ledger = Ledger::resume(1, 1_000, some_claim());
    assert_eq!(claim(&ledger, None), Some(some_claim()));
    assert!(!ledger.verify(1_000, 7), "another record");
    ledger.deliver_run(1_000, 1_010).expect("in order");
    assert_eq!(claim(&ledger, Some(7)), None);
}

#[test]
fn a_partition_that_is_given_back_late_or_stopped_late_says_what_it_did() {
    for event in [Event::Revoked(vec![partition(0)]), Event::Stop] {
        let (mut rig, _receipts) = rig();
        rig.heal(0, 1, 4);
        rig.step(event);
        let actions = rig.pass(BUDGET);
        let (offset, text) = commit(&actions).expect("4 is done");
        assert_eq!((offset, decode(text, 0).expect("ours").runs), (0, vec![Run::new(4, 5)]));
        // More is done meanwhile: that does not keep the partition.
        rig.heal(0, 1, 5);
        let actions = rig.acknowledge();
        let over = |action: &Action| matches!(action, Action::Release(_) | Action::Finish);
        assert!(actions.iter().any(over), "{actions:?}");
    }
}

/// Every tenth record is pending, 30 of them; that map has no room.
fn full() -> (Rig, Vec<Receipt>) {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let receipts = (0..30).map(|n| rig.receipt(0, 1, n * 10, 1)).collect();
    let runs: Vec<_> =
        (0..30).flat_map(|n| [moved(n * 10, n * 10 + 1), done(n * 10 + 1, n * 10 + 10)]).collect();
    rig.chunk(0, 1, &runs);
    (rig, receipts)
}

#[test]
fn a_map_without_room_holds_new_records_back_and_lets_the_frontier_go_on() {
    let (mut rig, _receipts) = full();
    let state = |rig: &Rig| rig.core.status(rig.now).remove(0).state;
    assert_eq!((rig.core.credit(0), state(&rig)), (0, PartitionState::Throttled));
    assert_eq!(commit(&rig.pass(INTERVAL)), None, "what the group has says as much");
    rig.heal(0, 1, 0);
    assert_eq!(
        commit(&rig.pass(INTERVAL)),
        Some((10, &*lineage_alone(10, LINEAGE))),
        "the offset goes without the map"
    );
    rig.acknowledge();
    let mut opened = None;
    for n in 1..30 {
        rig.heal(0, 1, n * 10);
        if rig.core.credit(0) > 0 {
            opened.get_or_insert(n);
        }
    }
    let opened = opened.expect("it goes on long before all is done");
    assert!((10..20).contains(&opened), "{opened}: with some room, not at the brim");
    assert_eq!((rig.core.credit(0), state(&rig)), (100, PartitionState::Running));
    assert_eq!(commit(&rig.pass(INTERVAL)), Some((300, &*lineage_alone(300, LINEAGE))));
}

#[test]
fn every_map_that_new_records_are_taken_for_has_room() {
    let (mut rig, _receipts) = full();
    for n in 0..29 {
        rig.heal(0, 1, n * 10);
        let part = rig.core.part(0).expect("assigned");
        let fits = claim(&part.ledger, Some(1)).is_some_and(|claim| encode(&claim, METADATA).is_some());
        assert!(fits || rig.core.credit(0) == 0, "at {n}");
    }
}

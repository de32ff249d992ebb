//! Records in flight by their bytes: how many may leave, and that all of it is given back.

use super::rig::{Rig, at, moved};
use crate::{
    broker::TopicPartition,
    engine::core::Event,
    envelope::{Desk, Home, Outcome, Receipt},
    topology::Copies,
};

/// The charge of a record of [`leave`].
const CHARGE: u64 = 1_000;

/// A record leaves for a task.
fn leave(rig: &mut Rig, slot: u32, offset: i64) -> Receipt {
    let key = [0; 744];
    let receipt = rig.receipt_of(slot, 1, offset, 1, Some(&key));
    rig.chunk(slot, 1, &[moved(offset, offset + 1)]);
    receipt
}

fn two(budget: u64) -> Rig {
    let mut rig = Rig::with_memory(budget);
    rig.assign(0, 1, at(Some(0)));
    rig.assign(1, 1, at(Some(0)));
    rig
}

fn free(rig: &Rig) -> u64 {
    rig.core.settings.memory.free()
}

#[test]
fn a_partition_takes_what_is_free_one_record_beyond_it_and_one_always() {
    let mut rig = two(3_000);
    let first = leave(&mut rig, 0, 0);
    assert_eq!((rig.core.charge(0), free(&rig), rig.core.credit(0)), (CHARGE, 2 * CHARGE, 99));
    assert_eq!(rig.core.grant(0).bytes, 500);
    let second = leave(&mut rig, 0, 1);
    assert_eq!((free(&rig), rig.core.credit(0), rig.core.credit(1)), (CHARGE, 0, 100));
    let other = leave(&mut rig, 1, 0);
    assert_eq!((free(&rig), rig.core.credit(0), rig.core.credit(1)), (0, 0, 0));
    first.settle(Outcome::Healed);
    second.settle(Outcome::Healed);
    rig.collect();
    assert_eq!((rig.core.charge(0), free(&rig)), (0, 2 * CHARGE));
    assert!(rig.core.credit(0) > 0 && rig.core.credit(1) > 0);
    let huge = rig.receipt_of(0, 1, 2, 1, Some(&[0; 9_000]));
    rig.chunk(0, 1, &[moved(2, 3)]);
    assert_eq!((free(&rig), rig.core.credit(0), rig.core.credit(1)), (0, 0, 0));
    other.settle(Outcome::Healed);
    rig.collect();
    assert_eq!(
        (rig.core.credit(0), rig.core.grant(1).bytes),
        (0, 1),
        "a partition that holds nothing may take one"
    );
    huge.settle(Outcome::Healed);
    rig.collect();
    assert_eq!(free(&rig), 3_000);
}

#[test]
fn what_comes_home_before_its_chunk_and_what_comes_back_is_given_back_once() {
    let mut rig = two(100_000);
    assert!(rig.begin(0, 1, 0));
    let (early, back) = (rig.receipt_of(0, 1, 0, 1, None), rig.receipt_of(0, 1, 1, 1, None));
    early.settle(Outcome::Healed);
    rig.collect();
    assert_eq!((rig.core.charge(0), free(&rig)), (512, 99_488), "the chunk is still out");
    rig.chunk(0, 1, &[moved(0, 2)]);
    assert_eq!(rig.core.charge(0), 256, "one of them");
    drop(back);
    rig.collect();
    assert_eq!((rig.core.charge(0), free(&rig)), (0, 100_000));
}

#[test]
fn what_is_taken_away_holds_nothing_and_late_outcomes_of_it_give_nothing_back() {
    let mut rig = two(10_000);
    let (late, mine) = (leave(&mut rig, 0, 0), leave(&mut rig, 1, 0));
    let partition: TopicPartition = rig.home(0, 1).partition.clone();
    rig.step(Event::Lost(vec![partition]));
    assert_eq!(free(&rig), 10_000 - CHARGE);
    late.settle(Outcome::Healed);
    rig.collect();
    assert_eq!(free(&rig), 10_000 - CHARGE, "that of the other partition");
    rig.restart(1, 2, at(Some(0)));
    assert_eq!(free(&rig), 10_000, "a new generation begins with nothing");
    mine.settle(Outcome::Healed);
    rig.collect();
    assert_eq!((free(&rig), rig.core.charge(1)), (10_000, 0));
}

#[test]
fn a_partition_starves_while_only_memory_is_short_and_nothing_comes_home() {
    let mut rig = two(3_000);
    let first = leave(&mut rig, 0, 0);
    rig.core.starve([(0, true)].into_iter());
    assert!(!rig.core.starve([(0, true)].into_iter()) && !first.is_starved(), "it has room");
    assert!(
        rig.core.starve([(0, false)].into_iter()) && first.is_starved(),
        "nothing more is fetched for it"
    );
    let second = leave(&mut rig, 0, 1);
    assert!(rig.core.starve([(0, true)].into_iter()));
    assert!(first.is_starved() && second.is_starved());
    first.settle(Outcome::Healed);
    rig.collect();
    let third = leave(&mut rig, 0, 2);
    assert!(!rig.core.starve([(0, true)].into_iter()) && !third.is_starved(), "one came home");
    assert!(rig.core.starve([(0, true)].into_iter()) && third.is_starved());
    drop(second);
}

#[test]
fn the_records_of_a_partition_that_is_given_back_wait_for_no_company() {
    let mut rig = two(30_000);
    let first = leave(&mut rig, 0, 0);
    let other = leave(&mut rig, 1, 0);
    let nothing_waits = || std::iter::empty::<(u32, bool)>();
    rig.core.starve(nothing_waits());
    assert!(!rig.core.starve(nothing_waits()), "others may come");
    rig.step(Event::Revoked(vec![super::rig::partition(0)]));
    rig.core.starve(nothing_waits());
    assert!(rig.core.starve(nothing_waits()));
    assert!(first.is_starved() && !other.is_starved());
    drop((first, other));
}

#[test]
fn a_record_is_charged_for_all_its_copies() {
    let home = |copies| {
        let partition = TopicPartition { topic: "t".into(), partition: 0 };
        Home::new(0, 1, partition, Desk::default().into()).keeping(copies)
    };
    let copies = |values, original, sent| Copies { values, original, sent };
    let charges = [Copies::ONE, copies(1, true, 0), copies(1, false, 1), copies(3, true, 2)]
        .map(|copies| home(copies).charge(1_000));
    assert_eq!(charges, [1_256, 2_256, 2_256, 6_256]);
    assert_eq!(home(Copies::ONE).charge(usize::MAX), u32::MAX);
}

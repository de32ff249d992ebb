//! A pipeline rests, goes on, and reads records once more, as its operator says.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::child::Running;
use super::http::Page;
use super::lines::{emit_id, place, that_say};
use super::orders::Kind;
use super::shop::{Shop, all_at, good, record};

/// Longer than a member of this broker may be silent.
const LONG: Duration = Duration::from_millis(3_500);

fn of_partitions(page: &Page, name: &str, labels: &[(&str, &str)]) -> BTreeMap<i32, i64> {
    let value = |partition: i32| {
        let number = partition.to_string();
        page.count(name, &[labels, &[("partition", &number)]].concat())
    };
    (0..4).map(|partition| (partition, value(partition))).collect()
}

fn positions(page: &Page) -> BTreeMap<i32, i64> {
    of_partitions(page, "healer_partition_position", &[])
}

fn paused(page: &Page) -> BTreeMap<i32, i64> {
    of_partitions(page, "healer_partition_state", &[("state", "paused")])
}

fn running(page: &Page) -> BTreeMap<i32, i64> {
    of_partitions(page, "healer_partition_state", &[("state", "running")])
}

#[test]
fn while_it_is_paused_nothing_moves_and_the_group_keeps_its_member() {
    let Some(shop) = Shop::open(4) else { return };
    shop.order(good(0..4, 5));
    // A paused partition is no stall, however long it waits.
    let mut program = Running::guarded(&shop, &[("HEALER_STALL_AFTER", "1s")]);
    program.until_page("all is done", |page| positions(page) == all_at(5));
    let joined = shop.kafka.group_log(&shop.group).unwrap();
    program.say("pause");
    program.until_page("it rests", |page| paused(page) == all_at(1) && running(page) == all_at(0));
    shop.order(good(0..4, 5));
    let page = program.let_poll_for(LONG);
    assert_eq!((positions(&page), paused(&page)), (all_at(5), all_at(1)));
    assert_eq!(shop.committed(), all_at(5));
    let rested = shop.kafka.group_log(&shop.group).unwrap();
    assert_eq!((rested.members, rested.generation), (1, joined.generation));
    assert_eq!(program.until_verdict("/healthz", 200).of("orders")["healthy"], true);
    assert_eq!(page.count("healer_stalls_total", &[]), 0);
    assert_eq!(of_partitions(&page, "healer_partition_blocked_seconds", &[]), all_at(0));

    program.say("pause 1");
    program.say("resume");
    program.until_page("it goes on", |page| positions(page) == all_at(10) && running(page) == all_at(1));
    program.say("pause 1");
    shop.order(good(0..4, 5));
    let but_one = BTreeMap::from([(0, 15), (1, 10), (2, 15), (3, 15)]);
    program.until_page("all but one go on", |page| positions(page) == but_one);
    let page = program.let_poll_for(Duration::from_secs(1));
    assert_eq!((positions(&page), paused(&page)), (but_one, [(0, 0), (1, 1), (2, 0), (3, 0)].into()));
    program.say("resume 1");
    program.until("all go on", |_| (shop.committed() == all_at(15)).then_some(()));
    program.say("pause topic");
    program.until_page("its only topic rests", |page| paused(page) == all_at(1));
    program.say("resume topic");
    program.until_page("it goes on", |page| running(page) == all_at(1));
    assert_eq!(program.stop().status.code(), Some(0));
    assert_eq!(shop.shipped(), 60, "each order once");
}

#[test]
fn a_partition_that_is_sought_back_is_read_again_and_its_commit_goes_down_at_once() {
    let Some(shop) = Shop::open(4) else { return };
    // A second apart.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let time = |offset: i64| i64::try_from(now).unwrap() + offset * 1_000;
    let orders = (0..5).map(|offset| record(0, Kind::Good, "no note").timestamp(time(offset)));
    shop.kafka.produce(&shop.orders, orders).unwrap();
    shop.order(good(1..4, 5));
    shop.kafka.set_committed(&shop.group, &shop.orders, &BTreeMap::from([(0, 3)])).unwrap();
    let mut program = Running::guarded(&shop, &[("HEALER_COMMIT_INTERVAL", "1h")]);
    program.until_done(17);
    let refused = program.ask("seek 0 9");
    assert!(
        refused["error"].as_str().is_some_and(|said| said.contains("offsets 0 up to 5, and not 9")),
        "{refused}"
    );
    assert_eq!(shop.committed(), [(0, 3)].into());
    program.say("pause 0");
    for (command, offset) in [(format!("seek 0 time {}", time(1) - 1), 1), ("seek 0 0".to_owned(), 0)] {
        assert_eq!(program.say(&command), offset);
        program.until(&format!("{offset} is committed at once"), |_| {
            (shop.committed().get(&0).copied() == Some(offset)).then_some(())
        });
    }
    assert_eq!(
        program.let_poll_for(Duration::from_millis(500)).count("healer_records_healed_total", &[]),
        17
    );
    program.say("resume 0");
    program.until_done(22);
    assert_eq!(shop.committed().get(&0), Some(&0), "all else is committed when it is time");
    let ended = program.stop();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(shop.committed(), all_at(5));

    let mut read = BTreeMap::<_, Vec<_>>::new();
    for line in that_say(&ended.lines, "validated") {
        read.entry(place(line)).or_default().push(emit_id(line));
    }
    for ((partition, offset), ids) in &read {
        let times = if *partition == 0 && *offset >= 3 { 2 } else { 1 };
        assert_eq!(ids.len(), times, "{partition}@{offset}");
        assert!(ids.iter().all(|id| id == &ids[0]), "the same order, and so the same emit id: {ids:?}");
    }
    assert_eq!(read.len(), 20);
}

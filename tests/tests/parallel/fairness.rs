//! Keys of one partition, and partitions that share calls: which must go on while others stand still, and which need not.

use healer_tests::zipf::Zipf;

use super::*;

/// How many calls may run at once.
const CALLS: usize = 8;

#[stage(parallel = CALLS)]
async fn by_key_of_eight(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    watch.work(&line, ctx).await;
    line
}

#[stage(parallel = CALLS, timeout = "50ms", on_error = skip)]
async fn not_for_ever(line: String, #[state] watch: &Watch) -> String {
    watch.begun.add(line.clone());
    let door = watch.doors.lock().unwrap().get(&line).cloned();
    if let Some(door) = door {
        door.pass().await;
    }
    line
}

/// Records of these keys in a partition whose hottest key is held at a door.
struct Skewed {
    ground: Ground,
    keys: Vec<usize>,
    door: Arc<Door>,
    /// The numbers of the hottest key.
    hot: Vec<usize>,
}

impl Skewed {
    fn new(seed: u64) -> Self {
        let ground = Ground::new(1);
        let mut zipf = Zipf::new(seed, 100);
        let keys: Vec<_> = (0..1_000).map(|_| zipf.draw()).collect();
        let hot = (0..keys.len()).filter(|n| keys[*n] == 0).collect::<Vec<_>>();
        let door = ground.watch.hold_all(hot.iter().map(ToString::to_string));
        let key = |n: i32| Some(format!("k{}", keys[usize::try_from(n).unwrap()]));
        ground.put(0, i32::try_from(keys.len()).unwrap(), key);
        Self { ground, keys, door, hot }
    }

    /// That records of each key passed in their order, those below `end` and no others, but for held ones.
    fn passed_in_order(&self, end: usize, with_hot: bool) {
        let passed: Vec<usize> = numbers(&self.ground.watch.passed);
        for key in 0..100 {
            let wanted = (0..end).filter(|n| self.keys[*n] == key && (key > 0 || with_hot));
            let of_key = passed.iter().copied().filter(|n| self.keys[*n] == key);
            assert_eq!(of_key.collect::<Vec<_>>(), wanted.collect::<Vec<_>>(), "key {key}");
        }
        assert_eq!(self.ground.watch.doubled(), Vec::<String>::new(), "one call a key at a time");
    }

    /// Only the first record of the hottest key has begun, and it blocks the partition.
    async fn stands_still(&self, handle: &healer::Handle) {
        let begun = numbers(&self.ground.watch.begun);
        let begun: Vec<_> = begun.into_iter().filter(|n| self.keys[*n] == 0).collect();
        assert_eq!(begun, self.hot[..1]);
        until("the hottest key is what blocks", || {
            status(handle, 0).and_then(|status| status.blocked).is_some_and(|blocked| {
                let at = (usize::try_from(blocked.offset), &*blocked.stage);
                at == (Ok(self.hot[0]), "lines.by_key_of_eight")
            })
        })
        .await;
    }

    async fn ends(&self, handle: healer::Handle) {
        self.door.open();
        self.ground.until_committed(0, i64::try_from(self.keys.len()).unwrap()).await;
        handle.stop();
        assert_eq!(handle.join().await.unwrap().healed, self.keys.len() as u64);
        self.passed_in_order(self.keys.len(), true);
    }
}

fn numbers(seen: &Seen<String>) -> Vec<usize> {
    seen.all().iter().filter_map(|line| line.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_hottest_key_stands_still_all_others_are_done() {
    for seed in 1..=3 {
        let skewed = Skewed::new(seed);
        let handle = skewed.ground.start(app!(by_key_of_eight => pass)).await;
        let others = skewed.keys.len() - skewed.hot.len();
        assert!(skewed.hot.len() > 100, "one of five is hot: {}", skewed.hot.len());
        until("the other keys are done", || skewed.ground.watch.passed.len() == others).await;
        skewed.stands_still(&handle).await;
        skewed.passed_in_order(skewed.keys.len(), false);
        assert!(skewed.ground.watch.most() <= CALLS);
        skewed.ends(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_records_in_flight_the_hottest_key_holds_its_partition() {
    const IN_FLIGHT: usize = 64;
    for seed in 1..=3 {
        let skewed = Skewed::new(seed);
        let app = app!(by_key_of_eight => pass);
        let handle = skewed.ground.start_with(app, |config| config.in_flight(IN_FLIGHT)).await;
        // Once all records in flight are of the hottest key, no new one begins: the others before the last of them are done.
        let end = skewed.hot[IN_FLIGHT - 1] + 1;
        let others = end - IN_FLIGHT;
        until("the other keys are done up to there", || skewed.ground.watch.passed.len() == others).await;
        until("all that are in flight are of the hottest key", || {
            status(&handle, 0).is_some_and(|now| {
                now.pending == IN_FLIGHT as u64 && usize::try_from(now.position) == Ok(end)
            })
        })
        .await;
        assert_eq!(status(&handle, 0).unwrap().state, healer::PartitionState::Running);
        skewed.stands_still(&handle).await;
        skewed.passed_in_order(end, false);
        skewed.ends(handle).await;
    }
}

/// Two partitions: the first has so many keys, and all of its calls hang at a door; the second has records that end.
struct Hanging {
    ground: Ground,
    door: Arc<Door>,
}

/// How many records each of both has.
const EACH: i32 = 100;

impl Hanging {
    fn new(keys_that_hang: i32) -> Self {
        let ground = Ground::new(2);
        let door = ground.watch.hold_all((0..EACH).map(|n| n.to_string()));
        ground.put(0, EACH, keys(keys_that_hang));
        Self { ground, door }
    }

    /// Once the calls of the first one hang, the second one gets its records.
    async fn until_they_hang(&self, calls: usize) {
        until("calls hang", || self.ground.watch.begun.len() >= calls).await;
        let record = |n: i32| TestRecord::new().value(format!("other {n}")).key(format!("o{n}")).partition(1);
        self.ground.kafka.produce("t", (0..EACH).map(record)).unwrap();
    }

    async fn ends(&self, handle: healer::Handle) {
        self.door.open();
        self.ground.until_committed(0, i64::from(EACH)).await;
        self.ground.until_committed(1, i64::from(EACH)).await;
        handle.stop();
        assert_eq!(handle.join().await.unwrap().healed, 2 * u64::from(EACH.unsigned_abs()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_calls_hang_leaves_the_others_what_it_does_not_hold() {
    let hanging = Hanging::new(7);
    let handle = hanging.ground.start(app!(by_key_of_eight => pass)).await;
    hanging.until_they_hang(7).await;
    // One call is left, and it is enough.
    hanging.ground.until_committed(1, i64::from(EACH)).await;
    assert_eq!(hanging.ground.watch.begun.len(), 7 + 100);
    assert!(hanging.ground.committed().get(&0).is_none_or(|offset| *offset == 0));
    hanging.ends(handle).await;
}

/// The other partition is promised no call here: a call that never ends keeps its place, so a partition with as many keys as
/// there are calls can keep all of them. The status shows it, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_calls_hang_may_hold_all_of_them() {
    let hanging = Hanging::new(20);
    let handle = hanging.ground.start(app!(by_key_of_eight => pass)).await;
    hanging.until_they_hang(CALLS).await;
    until("the other has records", || status(&handle, 1).is_some_and(|status| status.blocked.is_some()))
        .await;
    let blocked = [0, 1].map(|partition| status(&handle, partition).unwrap().blocked.unwrap());
    assert!(blocked.iter().all(|blocked| blocked.offset == 0), "{blocked:?}");
    assert_eq!(hanging.ground.watch.begun.len(), CALLS);
    hanging.ends(handle).await;
}

/// A timeout is the remedy.
#[tokio::test(flavor = "multi_thread")]
async fn with_a_timeout_no_partition_holds_the_others_for_ever() {
    let hanging = Hanging::new(20);
    let handle = hanging.ground.start(app!(not_for_ever => pass)).await;
    hanging.until_they_hang(CALLS).await;
    hanging.ground.until_committed(1, i64::from(EACH)).await;
    hanging.ground.until_committed(0, i64::from(EACH)).await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.healed, report.skipped["failed"]), (100, 100), "{report:?}");
}

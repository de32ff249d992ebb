//! A world by hand, for tests that tell one story: processes start when they are told to, faults happen when they are named,
//! and time passes until something is so.

use std::{
    ops::{Deref, Range},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use healer_store::DoneAbove;

use super::{GROUP, World, ground::TOPIC};
use crate::{
    broker::TopicPartition,
    engine::{Handle, PartitionStatus, Report, decode_metadata},
    error::Error,
    journal::{Journal, Scope},
    record::Headers,
    testing::simulation::{
        cluster::{Accepted, CLUSTER, Cluster, MemberId, Protocol},
        scenarios::works::{PIPELINE, Works},
        store::DiskFate,
        storm::Fault,
    },
};

/// How many rounds a test waits for something; one lasts 50 ms, or as long as user code holds it up.
const ROUNDS: usize = 3_000;

/// One story under one protocol and seed.
pub(crate) struct Play<'a> {
    pub(crate) protocol: Protocol,
    world: World<'a, Arc<Works>>,
    /// Of each start, oldest first, with its seat.
    handles: Vec<(usize, Handle)>,
    written: i64,
}

impl<'a> Play<'a> {
    pub(super) fn new(world: World<'a, Arc<Works>>) -> Self {
        Self { protocol: world.protocol, world, handles: Vec::new(), written: 0 }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.world.cluster
    }

    /// Starts a process in a seat; processes are counted from 1.
    pub(crate) fn start(&mut self, seat: usize) {
        self.world.start(seat);
        let process = self.world.seats[seat].process.as_ref();
        let process = process.unwrap_or_else(|| panic!("it starts: {:?}", self.world.seats[seat].error));
        self.handles.push((seat, process.handle.clone()));
    }

    /// A process ends at once, and its disk stays as it is.
    pub(crate) fn kill(&mut self, seat: usize) {
        self.happen(&Fault::Kill { seat, disk: DiskFate::Kept });
    }

    /// The same, and the disk is lost.
    pub(crate) fn kill_with_disk(&mut self, seat: usize) {
        self.happen(&Fault::Kill { seat, disk: DiskFate::Gone });
    }

    /// Writes a record with a key of its own.
    pub(crate) fn write(&mut self, partition: i32, value: impl AsRef<[u8]>) {
        let key = format!("k{}", self.written + 1);
        self.write_keyed(partition, &key, value);
    }

    pub(crate) fn write_keyed(&mut self, partition: i32, key: &str, value: impl AsRef<[u8]>) {
        self.written += 1;
        let time = Some(1_700_000_000_000 + self.written);
        let (key, value) = (Some(key.as_bytes()), Some(value.as_ref()));
        self.world.cluster.produce_with(TOPIC, partition, key, value, Headers::new(), time);
    }

    pub(crate) fn write_each(&mut self, partition: i32, values: impl Iterator<Item = String>) {
        for value in values {
            self.write(partition, value);
        }
    }

    /// Writes the numbers as records that are done at once.
    pub(crate) fn write_quick(&mut self, partition: i32, numbers: Range<i64>) {
        self.write_each(partition, numbers.map(|number| format!("quick {number}")));
    }

    /// Writes the numbers up to `end` as records, of which some wait.
    pub(crate) fn write_waiting(&mut self, partition: i32, end: i64, waits: impl Fn(i64) -> bool) {
        let word = |number| if waits(number) { "wait" } else { "quick" };
        self.write_each(partition, (0..end).map(|number| format!("{} {number}", word(number))));
    }

    pub(crate) fn happen(&mut self, fault: &Fault) {
        self.world.happen(fault);
    }

    /// Sets the group's commit, as an admin does.
    pub(crate) fn reset(&mut self, partition: i32, offset: i64, text: &str) {
        let name = TopicPartition { topic: TOPIC.into(), partition };
        self.world.was_reset.insert(name.clone());
        self.world.oracle.disturbed(&name);
        self.world.cluster.reset(GROUP, TOPIC, partition, offset, text);
    }

    /// Forgets the group's commit, as when it is deleted.
    pub(crate) fn forget(&mut self, partition: i32) {
        let name = TopicPartition { topic: TOPIC.into(), partition };
        self.world.was_reset.insert(name.clone());
        self.world.oracle.disturbed(&name);
        self.world.cluster.forget(GROUP, TOPIC, partition);
    }

    /// All processes have a turn, and 50 ms pass.
    pub(crate) fn round(&mut self) {
        self.world.calm_round();
        self.is_unbroken();
    }

    /// At least so much time passes.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now() + time;
        while self.now() < until {
            self.round();
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.world.time.clock.now()
    }

    /// Rounds pass until something is so.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..ROUNDS {
            if is_so(self) {
                return;
            }
            self.round();
        }
        for (seat, handle) in &self.handles {
            println!("seat {seat}: {:?}", handle.partitions());
        }
        println!("ran: {:?}", self.ran());
        panic!("it did not happen: {what}");
    }

    /// The handle of the newest process of a seat.
    pub(crate) fn handle(&self, seat: usize) -> &Handle {
        let newest = self.handles.iter().rev().find(|(of, _)| *of == seat);
        &newest.unwrap_or_else(|| panic!("nothing was started in seat {seat}")).1
    }

    /// The status of a partition in the process of a seat; none if the process has not got it, or does not run.
    pub(crate) fn status(&self, seat: usize, partition: i32) -> Option<PartitionStatus> {
        self.world.seats[seat].process.as_ref()?;
        self.handle(seat).partitions().into_iter().find(|status| status.partition == partition)
    }

    pub(crate) fn has(&self, seat: usize, partition: i32) -> bool {
        self.status(seat, partition).is_some()
    }

    /// The client of the process in a seat.
    pub(crate) fn member(&self, seat: usize) -> MemberId {
        let process = self.world.seats[seat].process.as_ref();
        process.unwrap_or_else(|| panic!("seat {seat} is empty")).member
    }

    pub(crate) fn committed(&self, partition: i32) -> Option<i64> {
        self.committed_with_text(partition).map(|(offset, _)| offset)
    }

    pub(crate) fn committed_with_text(&self, partition: i32) -> Option<(i64, String)> {
        self.world.cluster.committed(GROUP, TOPIC, partition)
    }

    /// The journal on the disk of a seat.
    pub(crate) fn journal(&self, seat: usize) -> Journal {
        let disk = Arc::new(self.world.seats[seat].disk.clone());
        Journal::open(disk, Scope::new(CLUSTER, GROUP, PIPELINE)).expect("its names are short")
    }

    /// The claim in the text beside a commit.
    pub(crate) fn claim(partition: i32, offset: i64, text: &str) -> Option<DoneAbove> {
        decode_metadata(text, offset, Scope::new(CLUSTER, GROUP, PIPELINE).mark(TOPIC, partition))?.claim
    }

    /// The commits that the broker has taken for a partition, oldest first; an admin's is not among them.
    pub(crate) fn commits(&self, partition: i32) -> Vec<Accepted> {
        let mut all = self.world.cluster.history(0);
        all.retain(|accepted| accepted.partition.1 == partition && accepted.member.is_some());
        all
    }

    /// The same, offsets only.
    pub(crate) fn committed_offsets(&self, partition: i32) -> Vec<i64> {
        self.commits(partition).iter().map(|accepted| accepted.offset).collect()
    }

    /// How the newest process of a seat ended; none while it runs.
    pub(crate) fn ended(&self, seat: usize) -> Option<Result<Report, Error>> {
        let handle = self.handle(seat);
        if handle.is_finished() { handle.join().now_or_never() } else { None }
    }

    /// Asks the process in a seat to end, and waits until it has.
    pub(crate) fn stop(&mut self, seat: usize) -> Report {
        self.handle(seat).stop();
        self.until("the process that was asked to end has ended", |play| play.ended(seat).is_some());
        self.ended(seat).expect("it has ended").expect("it ends well")
    }

    /// All that is in the log is done and committed, and all processes end.
    pub(crate) fn rest(&mut self) {
        self.world.come_to_rest();
        self.is_unbroken();
        self.world.stop_all();
        self.is_unbroken();
    }

    pub(crate) fn is_unbroken(&self) {
        if let Some(broken) = self.world.oracle.broken() {
            panic!("a promise was broken, {}: {}", broken.promise, broken.words);
        }
    }
}

/// A play is about its works.
impl Deref for Play<'_> {
    type Target = Works;

    fn deref(&self) -> &Works {
        &self.world.shared
    }
}

impl Drop for Play<'_> {
    fn drop(&mut self) {
        for process in self.world.seats.iter_mut().filter_map(|seat| seat.process.take()) {
            process.kill();
        }
    }
}

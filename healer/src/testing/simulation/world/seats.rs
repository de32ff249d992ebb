//! The places that processes run at: a start, an end, and the disk that is left for the next one.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use super::{GROUP, World};
use crate::{
    error::{Error, said::chain},
    testing::simulation::{
        cluster::Rng,
        process::{Place, Process},
        store::{Disk, DiskFate},
    },
};

/// A place that a process may run at; it survives the process.
pub(super) struct Seat {
    /// The `group.instance.id` of its processes, if they are static members.
    instance: Option<String>,
    pub(super) disk: Disk,
    pub(super) process: Option<Rc<Process>>,
    pub(super) frozen: bool,
    /// It is started again at that step.
    pub(super) again: u64,
    /// The error that its last process ended with, or was not started for.
    pub(super) error: Option<String>,
}

impl Seat {
    pub(super) fn new(instance: Option<String>) -> Self {
        Self { instance, disk: Disk::default(), process: None, frozen: false, again: 0, error: None }
    }

    #[cfg(test)]
    pub(super) fn set_instance(&mut self, instance: Option<String>) {
        self.instance = instance;
    }
}

impl<'a, S: 'a> World<'a, S> {
    pub(super) fn running(&self, seat: usize) -> Option<Rc<Process>> {
        let seat = &self.seats[seat];
        seat.process.clone().filter(|_| !seat.frozen)
    }

    /// Does something in a process. If user code holds it meanwhile, time passes and the others go on.
    pub(super) fn with_hold(&self, process: &Rc<Process>, work: impl FnOnce(&Process)) {
        let others = (0..self.seats.len()).filter_map(|seat| self.running(seat)).collect();
        self.time.with(others, || work(process));
    }

    pub(super) fn start_those_due(&mut self) {
        for at in 0..self.seats.len() {
            if !self.ending && self.seats[at].process.is_none() && self.seats[at].again <= self.step {
                self.start(at);
            }
        }
    }

    pub(super) fn start(&mut self, at: usize) {
        self.started += 1;
        let app = (self.plan.build)(&self.shared).store(Arc::new(self.seats[at].disk.clone()));
        let built = match app.build(&self.config) {
            Ok(built) => built,
            Err(error) => {
                return self.oracle.breaks("the pipeline can be built", error.to_string());
            }
        };
        let place = Place {
            cluster: &self.cluster,
            clock: &self.time.clock,
            oracle: &self.oracle,
            group: GROUP,
            instance: self.seats[at].instance.as_deref(),
            protocol: self.protocol,
        };
        let rng = Rc::new(RefCell::new(Rng::new(self.rng.next())));
        match Process::start(self.started, built, &place, &rng) {
            Ok(process) => {
                self.numbers.insert(process.member.0, process.number);
                self.seats[at].process = Some(Rc::new(process));
            }
            Err(error @ (Error::Engine(_) | Error::Build(_))) => {
                self.oracle.breaks("the engine does not fail", error.to_string());
            }
            // It is tried again, as an orchestrator would.
            Err(error) => {
                self.seats[at].again = self.step + 20;
                self.seats[at].error = Some(chain(&error));
            }
        }
    }

    /// Clears away a process that has ended.
    pub(super) fn look_at(&mut self, at: usize, process: &Rc<Process>) {
        let Some(result) = process.result() else { return };
        let left = process.runtime.tasks();
        self.seats[at].process = None;
        self.seats[at].again = self.step + if self.calm { 0 } else { 10 + self.rng.below(100) as u64 };
        if let Err(error) = &result {
            self.tell(|| format!("  process {} ends: {}", process.number, chain(error)));
            self.seats[at].error = Some(chain(error));
        }
        match result {
            Err(error @ Error::Engine(_)) => {
                self.oracle.breaks("the engine does not fail", error.to_string());
            }
            _ if left > 0 => {
                // Cancelled tasks end with their next turn.
                while process.work() {}
                let left = process.runtime.tasks();
                if left > 0 {
                    let words = format!("{left} tasks of process {} are left after its end", process.number);
                    self.oracle.breaks("memory is bounded", words);
                }
            }
            _ => {}
        }
        process.kill();
    }

    pub(super) fn thaw(&mut self, seat: usize) {
        if std::mem::take(&mut self.seats[seat].frozen)
            && let Some(process) = &self.seats[seat].process
        {
            self.cluster.thaw(process.member);
        }
    }

    pub(super) fn kill(&mut self, at: usize, disk: DiskFate) {
        self.seats[at].frozen = false;
        if let Some(process) = self.seats[at].process.take() {
            process.kill();
            let disk = if self.plan.disks_last { DiskFate::Kept } else { disk };
            self.seats[at].disk.end(disk, &mut self.rng);
            self.seats[at].again = self.step + 5 + self.rng.below(100) as u64;
        }
    }
}

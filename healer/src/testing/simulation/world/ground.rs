//! The ground of a story: processes, partitions, protocols, seeds.

use std::sync::{Arc, atomic::Ordering};

use super::{GROUP, Play, World, virtual_time};
use crate::{
    App, ConfigBuilder,
    testing::simulation::{
        Plan,
        cluster::Protocol,
        hold::set_calm,
        scenarios::works::{Works, quick_and_slow},
    },
};

/// The only topic.
pub(super) const TOPIC: &str = "t";

/// The ground of a story. Its settings: a commit every 100 ms, a drain budget of 2 s, memory for all.
pub(crate) struct Ground {
    plan: Plan<Arc<Works>>,
    protocols: Vec<Protocol>,
    /// The `group.instance.id` of each seat.
    instances: Vec<Option<String>>,
}

impl Ground {
    /// So many seats for processes, and so many partitions of the topic.
    pub(crate) fn new(processes: usize, partitions: usize) -> Self {
        let mut plan = Plan::new(Arc::default, |works: &Arc<Works>| quick_and_slow(works.app()));
        plan.add_topic(TOPIC, partitions, std::iter::empty());
        plan.processes = processes;
        // Tests are silent unless they fail.
        plan.told.store(true, Ordering::Relaxed);
        Self {
            plan,
            protocols: vec![Protocol::Eager, Protocol::Cooperative, Protocol::Consumer],
            instances: vec![None; processes],
        }
        .config(|config| config)
    }

    pub(crate) fn config(
        mut self,
        change: impl Fn(ConfigBuilder) -> ConfigBuilder + Send + Sync + 'static,
    ) -> Self {
        self.plan.config = Box::new(move |config| {
            let config = config.commit_interval("100ms").drain_budget("2s").in_flight(64);
            change(config.memory_budget(64 << 20))
        });
        self
    }

    /// A topic of two partitions that the pipeline writes to.
    pub(crate) fn sink(mut self, name: &str) -> Self {
        self.plan.add_sink(name);
        self
    }

    /// Another pipeline.
    pub(crate) fn app(mut self, build: impl Fn(App) -> App + Send + Sync + 'static) -> Self {
        self.plan.build = Box::new(move |works| build(works.app()));
        self
    }

    /// Only these protocols; all three otherwise.
    pub(crate) fn protocols(mut self, protocols: &[Protocol]) -> Self {
        self.protocols = protocols.to_vec();
        self
    }

    /// Static members, one name a seat.
    pub(crate) fn instances(mut self, names: &[&str]) -> Self {
        self.instances = names.iter().map(|name| Some((*name).to_owned())).collect();
        self
    }

    /// Plays it under each protocol with several seeds: latencies, prefetching and the order of tasks differ. At the end no
    /// promise may have been broken.
    pub(crate) fn play(self, story: impl Fn(&mut Play<'_>)) {
        for protocol in &self.protocols {
            for seed in 0..6 {
                let tokio = virtual_time();
                let handle = tokio.handle().clone();
                let _entered = handle.enter();
                set_calm(true);
                println!("\nprotocol {protocol:?}, seed {seed}");
                let mut world = World::new(&self.plan, seed, tokio);
                world.protocol = *protocol;
                world.ending = true;
                for (seat, instance) in world.seats.iter_mut().zip(&self.instances) {
                    seat.set_instance(instance.clone());
                }
                world.cluster.tune(|settings| {
                    (settings.request_faults, settings.commit_faults, settings.full_queues) = (0, 0, 0);
                });
                // An admin may set offsets before the first member comes.
                drop(world.cluster.member(GROUP, None, *protocol));
                let mut play = Play::new(world);
                story(&mut play);
                play.is_unbroken();
            }
        }
    }
}

//! One process of the user's service: an engine whose threads the simulation plays.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use futures_util::FutureExt;

use super::{
    cluster::{CLUSTER, Cluster, MemberId, ProducerId, Protocol, Rng, SimBroker},
    oracle::Oracle,
    runtime::{Clock, SimRuntime},
};
use crate::{
    app::Built,
    broker::{BrokerError, Producer},
    config::Config,
    engine::{self, Connect, Handle, PollLoop, Report, Station},
    error::Error,
    journal::Scope,
};

/// Reaches the simulated cluster.
struct ToCluster<'a> {
    number: usize,
    oracle: &'a Oracle,
    cluster: &'a Cluster,
    /// Whose progress it is.
    scope: Scope,
    instance: Option<&'a str>,
    protocol: Protocol,
    member: RefCell<Option<MemberId>>,
    producer: RefCell<Option<ProducerId>>,
}

impl Connect for ToCluster<'_> {
    type Broker = SimBroker;

    fn broker(&self, _: &Config) -> Result<SimBroker, BrokerError> {
        let mut broker = self.cluster.member(&self.scope.group, self.instance, self.protocol);
        broker.listen(self.oracle.look_ups(self.number, self.scope.clone()));
        *self.member.borrow_mut() = Some(broker.id());
        Ok(broker)
    }

    fn patience(&self, _: &Config) -> Duration {
        Duration::ZERO
    }

    fn producer(&self, _: &Config) -> Result<Arc<dyn Producer>, BrokerError> {
        let producer = self.cluster.producer();
        *self.producer.borrow_mut() = Some(producer.id());
        Ok(Arc::new(producer))
    }
}

/// Where a process is to run.
pub(super) struct Place<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) clock: &'a Clock,
    pub(super) oracle: &'a Oracle,
    pub(super) group: &'a str,
    pub(super) instance: Option<&'a str>,
    pub(super) protocol: Protocol,
}

/// A running process.
pub(super) struct Process {
    /// Counted over the whole run: each start is another process.
    pub(super) number: usize,
    pub(super) member: MemberId,
    pub(super) handle: Handle,
    pub(super) runtime: Arc<SimRuntime>,
    producer: Option<ProducerId>,
    cluster: Cluster,
    oracle: Oracle,
    station: Arc<Station<SimBroker>>,
    source: RefCell<Option<Arc<<SimBroker as crate::broker::Broker>::Source>>>,
    poll_loop: RefCell<Option<PollLoop<SimBroker>>>,
    pub(super) rng: Rc<RefCell<Rng>>,
}

impl Process {
    pub(super) fn start(
        number: usize,
        built: Built,
        place: &Place<'_>,
        rng: &Rc<RefCell<Rng>>,
    ) -> Result<Self, Error> {
        let runtime = Arc::new(SimRuntime::new(place.clock.clone()));
        let mut launch = built.into_launch();
        let connect = ToCluster {
            number,
            oracle: place.oracle,
            cluster: place.cluster,
            scope: Scope::new(CLUSTER, place.group, &launch.name),
            instance: place.instance,
            protocol: place.protocol,
            member: RefCell::default(),
            producer: RefCell::default(),
        };
        for (_, _, entry) in &mut launch.sources {
            *entry = place.oracle.watch(number, Arc::clone(entry));
        }
        let prepared = engine::prepare(launch, &connect, Arc::clone(&runtime) as _);
        let member = connect.member.borrow_mut().take();
        let (station, handle) = prepared?;
        let member = member.ok_or_else(|| Error::Engine("it has no member".to_owned()))?;
        let source = station.source().ok_or_else(|| Error::Engine("it has no source".to_owned()))?;
        let poll_loop = PollLoop::new(Arc::clone(&station), Arc::clone(&source));
        Ok(Self {
            number,
            member,
            handle,
            runtime,
            producer: connect.producer.into_inner(),
            cluster: place.cluster.clone(),
            oracle: place.oracle.clone(),
            station,
            source: RefCell::new(Some(source)),
            poll_loop: RefCell::new(Some(poll_loop)),
            rng: Rc::clone(rng),
        })
    }

    /// Tells the model of the outcomes that came home from tasks, before the engine hears of them.
    fn listen(&self) {
        self.station.peek(|settled| self.oracle.settled(self.number, settled));
    }

    /// One round of its poll thread, or of the keeper while user code holds that.
    pub(super) fn turn(&self) {
        self.listen();
        let Ok(mut poll_loop) = self.poll_loop.try_borrow_mut() else {
            return self.keep();
        };
        let goes_on = poll_loop.as_mut().is_some_and(PollLoop::run_once);
        if !goes_on && poll_loop.take().is_some() {
            self.end();
        }
    }

    fn keep(&self) {
        let source = self.source.borrow().clone();
        if let Some(source) = source.filter(|_| self.station.is_held_up())
            && !engine::keep(&self.station, &source)
        {
            drop(source);
            self.end();
        }
    }

    fn end(&self) {
        self.source.borrow_mut().take();
        self.station.finish(None);
    }

    /// One piece of its threads' and tasks' work; says whether there was one.
    pub(super) fn work(&self) -> bool {
        // The random numbers are free while the work runs: it may hold, and others go on.
        let mut rng = self.rng.borrow().clone();
        let seed = rng.next();
        *self.rng.borrow_mut() = rng;
        self.runtime.work(&mut Rng::new(seed))
    }

    /// How it ended.
    pub(super) fn result(&self) -> Option<Result<Report, Error>> {
        if self.handle.is_finished() { self.handle.join().now_or_never() } else { None }
    }

    /// It is killed: nothing of it runs any more, and it says nothing to anybody.
    pub(super) fn kill(self: &Rc<Self>) {
        self.listen();
        self.cluster.crash(self.member);
        if let Some(producer) = self.producer {
            self.cluster.crash_producer(producer);
        }
        self.runtime.end();
    }
}

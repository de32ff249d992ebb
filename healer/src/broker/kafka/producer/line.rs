//! The way of all records of a producer: to the client that its topic needs, or to those that wait for a new one.

use std::{
    collections::{BTreeMap, HashSet},
    mem,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rdkafka::{
    error::KafkaError,
    producer::{BaseRecord, Producer as _},
    types::RDKafkaErrorCode as Code,
};

use super::{
    Ticket,
    client::{self, Batches, Client},
    closed, headers, mend,
    returned::{Returned, Why},
    trouble::Statistics,
};
use crate::broker::{
    BrokerError, BrokerErrorKind, OutRecord, SendError,
    kafka::{
        client_errors::{ClientErrors, lock},
        codes, errors,
    },
};

/// How long a producer tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// A record waits for faults that may pass.
    Endless,
    /// Until the client's own time is over.
    Timed,
    /// As `Timed`; any failure makes its transaction fail.
    Transactional,
}

/// The state that all clients of a producer share.
pub(super) struct Line {
    pub(super) properties: BTreeMap<String, String>,
    pub(super) life: Life,
    pub(super) client_errors: Arc<ClientErrors>,
    state: RwLock<State>,
    returned: Mutex<Vec<Returned>>,
    numbers: AtomicU64,
    statistics: [Statistics; 2],
}

#[derive(Default)]
pub(super) struct State {
    whole: Option<Arc<Client>>,
    single: Option<Arc<Client>>,
    /// Topics that have refused a batch: their records go one a batch.
    careful: HashSet<Box<str>>,
    /// A client is being replaced: new records wait behind those that it gives back.
    mending: bool,
    closed: bool,
}

impl State {
    fn batches(&self, topic: &str) -> Batches {
        if !self.careful.is_empty() && self.careful.contains(topic) {
            Batches::Single
        } else {
            Batches::Whole
        }
    }

    fn slot(&mut self, batches: Batches) -> &mut Option<Arc<Client>> {
        match batches {
            Batches::Whole => &mut self.whole,
            Batches::Single => &mut self.single,
        }
    }

    fn get(&self, batches: Batches) -> Option<&Arc<Client>> {
        match batches {
            Batches::Whole => self.whole.as_ref(),
            Batches::Single => self.single.as_ref(),
        }
    }
}

impl Line {
    pub(super) fn new(
        properties: BTreeMap<String, String>,
        life: Life,
        client_errors: ClientErrors,
    ) -> Result<Arc<Self>, BrokerError> {
        let this = Arc::new(Self {
            properties,
            life,
            client_errors: Arc::new(client_errors),
            state: RwLock::default(),
            returned: Mutex::default(),
            numbers: AtomicU64::new(0),
            statistics: Default::default(),
        });
        this.client(Batches::Whole)?;
        Ok(this)
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of that kind; it is made where there is none.
    pub(super) fn client(self: &Arc<Self>, batches: Batches) -> Result<Arc<Client>, BrokerError> {
        if let Some(client) = self.read().get(batches) {
            return Ok(Arc::clone(client));
        }
        let mut state = self.write();
        if state.closed {
            return Err(closed());
        }
        match state.slot(batches) {
            Some(client) => Ok(Arc::clone(client)),
            none => Ok(Arc::clone(none.insert(Arc::new(client::make(self, batches)?)))),
        }
    }

    /// All clients that there are.
    pub(super) fn clients(&self) -> Vec<Arc<Client>> {
        let state = self.read();
        state.whole.iter().chain(&state.single).cloned().collect()
    }

    /// Those that send nothing any more.
    pub(super) fn dead_clients(&self) -> Vec<(Batches, Arc<Client>)> {
        let state = self.read();
        let all = [Batches::Whole, Batches::Single].into_iter();
        all.filter_map(|batches| Some((batches, Arc::clone(state.get(batches)?))))
            .filter(|(_, client)| client.client().fatal_error().is_some())
            .collect()
    }

    /// Lets a client go.
    pub(super) fn forget(&self, batches: Batches) {
        let client = self.write().slot(batches).take();
        // Outside the lock: its thread may be about to take that.
        drop(client);
    }

    /// Puts a record on its way.
    pub(super) fn put(
        self: &Arc<Self>,
        record: &OutRecord<'_>,
        mut ticket: Box<Ticket>,
    ) -> Result<(), SendError> {
        loop {
            let state = self.read();
            if state.mending {
                // While the lock is held nobody finds that nothing waits.
                lock(&self.returned).push(Returned::of_record(record, ticket));
                return Ok(());
            }
            let batches = state.batches(record.topic);
            let Some(client) = state.get(batches) else {
                drop(state);
                self.client(batches).map_err(SendError::Failed)?;
                continue;
            };
            let mut out = BaseRecord::<[u8], [u8], _>::with_opaque_to(record.topic, ticket);
            out.key = record.key;
            out.payload = record.value;
            out.timestamp = record.timestamp;
            out.headers = headers(record.headers);
            let Err((error, out)) = client.send(out) else { return Ok(()) };
            if error.rdkafka_error_code() == Some(Code::QueueFull) {
                return Err(SendError::Full);
            }
            let why = client.client().fatal_error().map(|(_, why)| why);
            drop(state);
            match why {
                Some(_) if self.life != Life::Transactional => {
                    ticket = out.delivery_opaque;
                    self.begin_mending();
                }
                why => return Err(SendError::Failed(self.refused(record.topic, &error, why))),
            }
        }
    }

    fn refused(&self, topic: &str, error: &KafkaError, fatal: Option<String>) -> BrokerError {
        let mut error =
            errors::failed_send(&format!("sending a record to {topic:?}"), error, &self.client_errors);
        if let Some(why) = fatal {
            error.kind = BrokerErrorKind::Fatal;
            if !error.text.contains(&why) {
                error.text = format!("{}: {why}", error.text);
            }
        }
        error
    }

    /// Whether a record that a client did not deliver is to be sent once more; else the error for its sender.
    pub(super) fn judge(&self, what: &str, error: &KafkaError, batches: Batches) -> Result<Why, BrokerError> {
        let failed = || errors::failed_send(what, error, &self.client_errors);
        let Some(code) = error.rdkafka_error_code().filter(|_| self.life != Life::Transactional) else {
            return Err(failed());
        };
        match code {
            Code::PurgeQueue => Ok(Why::Untried),
            Code::PurgeInflight => Err(closed()),
            code if codes::is_of_record(code) => match batches {
                Batches::Whole => Ok(Why::Together),
                Batches::Single => Err(failed()),
            },
            code if codes::is_of_client(code) => Ok(Why::Passing),
            code => match codes::kind(code) {
                // A client for single records goes on behind a record that it gives up, so that one would come out of order.
                BrokerErrorKind::Transient | BrokerErrorKind::Unreachable
                    if self.life == Life::Endless && batches == Batches::Whole =>
                {
                    Ok(Why::Passing)
                }
                _ => Err(failed()),
            },
        }
    }

    /// Keeps a record that is to be sent once more.
    pub(super) fn take_back(self: &Arc<Self>, returned: Returned) {
        lock(&self.returned).push(returned);
        self.begin_mending();
    }

    /// A client sends nothing any more: its records are fetched, also where only those on their way failed.
    pub(super) fn ended(self: &Arc<Self>) {
        if self.life != Life::Transactional {
            self.begin_mending();
        }
    }

    pub(super) fn take_returned(&self) -> Vec<Returned> {
        mem::take(&mut *lock(&self.returned))
    }

    pub(super) fn keep_returned(&self, rest: impl IntoIterator<Item = Returned>) {
        lock(&self.returned).extend(rest);
    }

    /// New records wait from now on, until a thread has sent the records that came back.
    fn begin_mending(self: &Arc<Self>) {
        let mut state = self.write();
        let closed = state.closed;
        if state.mending && !closed {
            return;
        }
        state.mending = true;
        drop(state);
        let line = Arc::clone(self);
        let thread = thread::Builder::new().name("healer-kafka-mend".into());
        let began = if closed { Err(None) } else { thread.spawn(move || mend::run(&line)).map_err(Some) };
        if let Err(error) = began {
            if let Some(error) = error {
                tracing::error!(%error, "no thread could be started to send what came back; its senders are told");
            }
            self.write().mending = false;
            self.give_up();
        }
    }

    /// Ends the mending, unless there is more to do.
    pub(super) fn end_mending(&self) -> bool {
        let mut state = self.write();
        state.mending = !lock(&self.returned).is_empty();
        !state.mending
    }

    /// A topic's records go one a batch from now on. Whether that is new.
    pub(super) fn be_careful(&self, topic: &str) -> bool {
        let known = self.read().careful.contains(topic);
        !known && self.write().careful.insert(topic.into())
    }

    pub(super) fn batches(&self, topic: &str) -> Batches {
        self.read().batches(topic)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.read().closed
    }

    pub(super) fn close(&self) {
        let mut state = self.write();
        state.closed = true;
        let clients = (state.whole.take(), state.single.take());
        drop(state);
        drop(clients);
        self.give_up();
    }

    /// Tells the senders of all that came back that it is not sent.
    pub(super) fn give_up(&self) {
        for returned in self.take_returned() {
            let _ = returned.ticket.answer.send(Err(closed()));
        }
    }

    pub(super) fn keep_statistics(&self, batches: Batches, statistics: &[u8]) {
        self.statistics[batches as usize].keep(statistics);
    }

    /// Why records may wait, as far as the clients know.
    pub(super) fn trouble(&self) -> Option<String> {
        let said = || self.client_errors.last().map(|heard| heard.text);
        self.statistics.iter().find_map(|statistics| statistics.trouble(said))
    }
}

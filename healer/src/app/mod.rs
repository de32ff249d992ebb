//! `App`: a pipeline that is written down, checked and started.

mod build;
mod circles;
mod dead_letters;
mod run;

use std::sync::Arc;

pub use self::build::Built;
use crate::{
    chain::Root,
    lane::Entry,
    operators::MakeEntry as _,
    reports::FailureReporter,
    topology::{Description, Graph, Node, OnError, States},
};
pub(crate) use dead_letters::settle;

/// A pipeline: its chains, its state, its name. `pipeline!` makes one.
///
/// ```no_run
/// use healer::prelude::*;
///
/// #[stage]
/// fn shout(line: String) -> String {
///     line.to_uppercase()
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let app = pipeline! {
///     name "shout";
///     lines = kafka::text("lines") => shout;
///     lines => kafka::to_text("loud-lines") => heal;
/// };
/// let report = app.run(Config::from_env()?).await?;
/// println!("{} records", report.records);
/// # Ok(())
/// # }
/// ```
#[must_use = "an app does nothing until it is run"]
pub struct App {
    name: String,
    graph: Graph,
    entries: Vec<(Arc<Node>, Arc<dyn Entry>)>,
    states: States,
    store: Option<Arc<dyn healer_store::Store>>,
    on_error: OnError,
    reporter: Option<Arc<dyn FailureReporter>>,
}

impl App {
    /// An app without chains. Its name is the default consumer group and part of the store's keys.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            graph: Graph::default(),
            entries: Vec::new(),
            states: States::default(),
            store: None,
            on_error: OnError::Stop,
            reporter: None,
        }
    }

    /// Adds a chain from a source, or from the port of a [`union`](crate::union), to `heal`.
    pub fn chain<R: Root>(mut self, chain: R) -> Self {
        let (entry, nodes) = chain.into_entry();
        if let Some(first) = nodes.first() {
            self.entries.push((Arc::clone(first), entry));
        }
        self.graph.nodes.extend(nodes);
        self
    }

    /// Gives the state that stages ask for with `#[state] name: &S`.
    pub fn with<S: Send + Sync + 'static>(self, state: S) -> Self {
        self.with_arc(Arc::new(state))
    }

    /// As [`with`](App::with), for state that is shared already or is a trait object.
    pub fn with_arc<S: ?Sized + Send + Sync + 'static>(mut self, state: Arc<S>) -> Self {
        self.states.insert(state);
        self
    }

    /// Keeps ledger and checkpoints in this store instead of the one that the configuration names.
    pub fn store(mut self, store: Arc<dyn healer_store::Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// The fate of records that fail, at stages, closures, sources and sinks that say nothing themselves;
    /// [`OnError::Stop`] by default.
    ///
    /// It is about faults of the record itself. At a sink [`Sink::on_error`](crate::Sink::on_error) lists them. A fault of the
    /// broker or of the configuration (an unknown topic, a missing right) stops the pipeline or waits, under every policy. A
    /// batch that fails stops the pipeline too, unless its stage says `split`: then this is about the rows that fail alone.
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// Tells this reporter of every record that is given up: see [`reports`](crate::reports). The last call counts.
    ///
    /// Records are then kept as they came in wherever they wait, and a panic hook is installed, for backtraces.
    pub fn report_failures(mut self, reporter: impl FailureReporter) -> Self {
        crate::reports::catch_backtraces();
        self.reporter = Some(Arc::new(reporter));
        self
    }

    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its nodes.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The policy of nodes that say nothing about failures.
    pub(crate) fn policy(&self) -> &OnError {
        &self.on_error
    }

    /// The pipeline in words (`to_string`), as Mermaid or as DOT. Topics of dead letters that the configuration names are known when it is
    /// built: [`Built::describe`].
    pub fn describe(&self) -> Description {
        Description::new(&self.name, self.graph.clone())
    }
}

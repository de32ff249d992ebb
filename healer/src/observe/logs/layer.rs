//! The layer that writes JSON lines.

use std::io::{self, Write as _};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

use super::{alone::alone, fields::Fields, json};
use crate::observe::{self, Redact};

/// Writes each event as a JSON object on a line of its own, with the record that it is about: for services that have a
/// subscriber of their own. [`init_logs`](super::init_logs) installs it by itself.
///
/// The fields, in this order: `written_at` (RFC 3339, UTC), `written_ts` (nanoseconds since 1970), `msg`, `type` (always `log`),
/// `logger` (the event's target), `thread`, `level` (`WARNING` for warn, as in Python), `module`, `line_no`, `function_name` (of
/// the stage, else the module's name), `emit_id` (null outside of a record); where they are known `topic`, `partition`, `offset`,
/// `stage`; where there is an error `exc_info`: the error and its sources, one a line; and in `fields` all other fields of the
/// event and its spans. For [data of records](crate::observe::log_data) `msg` is an object of `function_name` and `data`; data
/// that was cut is a text, and `cut` is among the `fields`.
///
/// A line that cannot be written is left out, and so is one that is logged while another is being written on the same thread; no
/// error and no panic of it reaches the code that logs.
///
/// ```no_run
/// use healer::observe::LogLayer;
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry().with(LogLayer::json(std::io::stdout));
/// tracing::subscriber::set_global_default(subscriber)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogLayer<W = fn() -> io::Stderr> {
    make_writer: W,
    redact: Option<Redact>,
}

/// The fields that were recorded of a span.
struct OfSpan(Map<String, Value>);

impl<W: for<'w> MakeWriter<'w> + 'static> LogLayer<W> {
    /// Writes to this; each line is one call of `write_all`.
    pub fn json(make_writer: W) -> Self {
        Self { make_writer, redact: None }
    }

    /// Has a hook look at `msg`, `exc_info` and each value in `fields` before they are written; it is told which by name. If it
    /// panics, the line is left out.
    pub fn redact(self, redact: Redact) -> Self {
        Self { redact: Some(redact), ..self }
    }
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        alone(|| {
            // Before the span is locked: a `Debug` may do anything.
            let mut fields = Fields::default();
            attrs.record(&mut fields);
            if let Some(span) = ctx.span(id) {
                span.extensions_mut().replace(OfSpan(fields.values));
            }
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        alone(|| {
            let mut fields = Fields::default();
            values.record(&mut fields);
            if let Some(span) = ctx.span(id) {
                let mut extensions = span.extensions_mut();
                match extensions.get_mut::<OfSpan>() {
                    Some(known) => known.0.extend(fields.values),
                    None => drop(extensions.replace(OfSpan(fields.values))),
                }
            }
        });
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        alone(|| {
            let mut fields = Map::new();
            if let Some(scope) = ctx.event_scope(event) {
                for span in scope.from_root() {
                    if let Some(known) = span.extensions().get::<OfSpan>() {
                        fields.extend(known.0.clone());
                    }
                }
            }
            let line = json::line(event, fields, observe::current().as_ref(), self.redact);
            if let Ok(line) = line {
                // Nobody is left to be told.
                let _ = self.make_writer.make_writer_for(event.metadata()).write_all(&line);
            }
        });
    }
}

//! Log lines to be read by people: as `tracing_subscriber` writes them, and at their end the record that they are about.

use std::fmt::{self, Write as _};

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{DefaultFields, Format, Writer},
    },
    registry::LookupSpan,
};

use super::alone::{alone, is_at_it};
use crate::observe::{self, Current};

/// A layer that writes text, in colours or without.
pub(super) fn layer<S, W>(make_writer: W, ansi: bool) -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer::<S>()
        .with_writer(make_writer)
        .with_ansi(ansi)
        .fmt_fields(FieldText::default())
        .event_format(LineText { format: Format::default().with_ansi(ansi) })
}

/// Fields in the usual form: a panic or a log line in their `Debug` or `Display` cannot harm the code that logs.
#[derive(Default)]
struct FieldText(DefaultFields);

impl<'w> FormatFields<'w> for FieldText {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        // Where it panicked, the text that was written so far is a line as well.
        alone(|| self.0.format_fields(writer, fields)).unwrap_or(Ok(()))
    }
}

struct LineText {
    format: Format,
}

impl<S, N> FormatEvent<S, N> for LineText
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if is_at_it() {
            return Ok(());
        }
        let Some(current) = observe::current() else {
            return self.format.format_event(ctx, writer, event);
        };
        let mut line = String::new();
        self.format.format_event(ctx, Writer::new(&mut line), event)?;
        let names = event.metadata().fields();
        let place = place(&current, |name| names.field(name).is_some());
        let (dim, plain) = if writer.has_ansi_escapes() { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
        writeln!(writer, "{}{dim}{place}{plain}", line.strip_suffix('\n').unwrap_or(&line))
    }
}

/// The record as text, without the facts that the event names itself.
fn place(current: &Current, is_said: impl Fn(&str) -> bool) -> String {
    let Current { topic, partition, offset, emit_id, stage } = current;
    let mut text = String::new();
    // Writing to a string cannot fail.
    if !is_said("emit_id") {
        let _ = write!(text, " emit_id={emit_id}");
    }
    if !["topic", "partition", "offset"].into_iter().any(&is_said) {
        let _ = write!(text, " record={topic}[{partition}]@{offset}");
    }
    if !is_said("stage") && !stage.is_empty() {
        let _ = write!(text, " stage={stage}");
    }
    text
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;
    use tracing_subscriber::{layer::SubscriberExt as _, registry};
    use uuid::Uuid;

    use super::{layer, place};
    use crate::observe::{
        Current,
        logs::tests::{Panics, Written, inside},
    };

    fn text(ansi: bool, work: impl FnOnce()) -> String {
        let written = Written::default();
        with_default(registry().with(layer(written.clone(), ansi)), work);
        written.text()
    }

    #[test]
    fn a_line_ends_with_the_record_that_it_is_about() {
        let mut emit_id = String::new();
        let text = text(false, || {
            let inside = inside();
            emit_id = crate::observe::current().expect("a record").emit_id.to_string();
            tracing::info!(cups = 3, "tea");
            drop(inside);
            tracing::info!("no tea");
        });
        let lines: Vec<_> = text.lines().collect();
        let of_record = format!(": tea cups=3 emit_id={emit_id} record=flights[3]@41");
        assert!(lines[0].contains("INFO") && lines[0].ends_with(&of_record), "{text}");
        assert!(lines[1].ends_with(": no tea"), "{text}");
        assert!(lines.len() == 2 && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn what_the_event_says_itself_is_not_said_twice() {
        let current = Current {
            topic: "flights".into(),
            partition: 3,
            offset: 41,
            emit_id: Uuid::nil(),
            stage: "flights.validate".into(),
        };
        let id = "00000000-0000-0000-0000-000000000000";
        let whole = format!(" emit_id={id} record=flights[3]@41 stage=flights.validate");
        assert_eq!(place(&current, |_| false), whole);
        assert_eq!(place(&current, |name| name == "stage"), format!(" emit_id={id} record=flights[3]@41"));
        let without_record = format!(" emit_id={id} stage=flights.validate");
        assert_eq!(place(&current, |name| name == "partition"), without_record);
        assert_eq!(place(&current, |_| true), "");
    }

    #[test]
    fn there_are_colours_only_where_they_are_asked_for() {
        let text = text(true, || {
            let _inside = inside();
            tracing::info!("tea");
        });
        assert!(text.contains("\u{1b}[2m emit_id=") && text.ends_with("@41\u{1b}[0m\n"), "{text}");
    }

    #[test]
    fn a_value_that_panics_costs_the_rest_of_its_line_only() {
        let text = text(false, || {
            tracing::info!(cups = ?Panics, "tea");
            tracing::info!("more tea");
        });
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.len() == 2 && lines[1].ends_with(": more tea"), "{text}");
        assert!(lines[0].contains(": tea"), "{text}");
    }
}

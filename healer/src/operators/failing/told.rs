//! Failure reports of records that are given up, and of calls that finished where a stage has all reported.

use crate::{
    broker::RecordRef,
    context::{Context, Original},
    error::Cause,
    lane::Host,
    reports::{Draft, RawRecord, RowReport},
};

/// Reports a record that is given up at a node. `record` is there where this is the poll thread.
pub(super) fn report(
    host: &Host,
    node: u32,
    cause: &Cause,
    context: &Context,
    record: Option<&RecordRef<'_>>,
) {
    if host.reports().is_on() {
        let called = host.nodes().called(node);
        send(host, Draft::failed(host.pipeline(), &called, cause, context), context, record);
    }
}

/// Reports a call that finished.
#[cold]
pub(in crate::operators) fn report_finished(host: &Host, node: u32, context: &Context) {
    if host.reports().is_on() {
        let called = host.nodes().called(node);
        send(host, Draft::finished(host.pipeline(), &called, context), context, None);
    }
}

fn send(host: &Host, mut draft: Draft, context: &Context, record: Option<&RecordRef<'_>>) {
    if let Some(record) = record {
        draft.report.record = Some(RawRecord::of(&Original::of(record)));
    }
    draft.report.emit_id = context.identity();
    if let Some(notes) = context.notes() {
        let json = notes.take_input();
        draft.report.input = json.and_then(|json| serde_json::from_slice(&json).ok());
        draft.report.rows = notes.rows().iter().map(RowReport::of).collect();
    }
    host.reports().send(draft);
}

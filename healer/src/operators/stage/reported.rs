//! The inputs of calls that are reported: kept until the call has ended, and noted if its end is reported.

use std::{borrow::Borrow, marker::PhantomData};

use super::{Reporting, Stage, StageNode, Verdict};
use crate::{
    chain::{Batch, CopiesToReport, Shows},
    context::Context,
    error::Cause,
    lane::Host,
    operators::failing,
};

/// The input of a call. It is noted when this is dropped, so also after a panic or a cancelled call.
pub struct Kept<'c, S: Stage, V: Borrow<S::In>> {
    /// `None` where nobody wants it.
    value: Option<V>,
    context: &'c Context,
    stage: PhantomData<fn() -> S>,
}

impl<'c, S: Stage, V: Borrow<S::In>> Kept<'c, S, V> {
    #[doc(hidden)]
    pub fn new(context: &'c Context, value: impl FnOnce() -> V) -> Self {
        Self { value: context.notes().map(|_| value()), context, stage: PhantomData }
    }

    /// The call came to its end.
    #[doc(hidden)]
    pub fn ended<U>(&mut self, verdict: &Verdict<U>) {
        if matches!(verdict, Verdict::Next(_) | Verdict::Skip) {
            self.done();
        }
    }

    /// The call finished.
    #[doc(hidden)]
    pub fn done(&mut self) {
        if S::REPORT != Reporting::All {
            self.value = None;
        }
    }
}

impl<S: Stage, V: Borrow<S::In>> Drop for Kept<'_, S, V> {
    fn drop(&mut self) {
        if let (Some(notes), Some(value)) = (self.context.notes(), self.value.take()) {
            notes.input(|json| S::report_json(value.borrow(), json));
        }
    }
}

#[doc(hidden)]
pub fn report_input<T, K: Shows<T>>(_: K, value: &T, into: &mut Vec<u8>) -> bool {
    K::show(value, into)
}

/// The values of a batch, as a list.
#[doc(hidden)]
pub fn report_rows<T, K: Shows<T>>(_: K, rows: &Batch<T>, into: &mut Vec<u8>) -> bool {
    for (number, (_, value)) in rows.iter().enumerate() {
        into.push(if number == 0 { b'[' } else { b',' });
        if !K::show(value, into) {
            return false;
        }
    }
    into.push(b']');
    true
}

#[doc(hidden)]
pub fn copy_to_report<T, K: CopiesToReport<T>>(_: K, value: &T) -> T {
    K::copy(value)
}

impl<S: Stage, D> StageNode<S, D> {
    /// Makes the next call note its input, where that may be reported.
    #[inline]
    pub(in crate::operators) fn expects_report(host: &Host, context: &mut Context) {
        if S::REPORT != Reporting::Never && host.reports().is_on() {
            context.take_notes();
        }
    }

    /// Reports a call that finished, where all are reported, and forgets its input.
    #[inline]
    pub(in crate::operators) fn reports_end<U>(
        &self,
        host: &Host,
        context: &mut Context,
        result: &Result<Verdict<U>, Cause>,
    ) {
        if matches!(result, Ok(Verdict::Next(_) | Verdict::Skip)) {
            self.reports_success(host, context);
        }
    }

    /// The same of a call that is known to have finished.
    #[inline]
    pub(in crate::operators) fn reports_success(&self, host: &Host, context: &mut Context) {
        if S::REPORT == Reporting::All {
            failing::report_finished(host, self.node.id, context);
        }
        if S::REPORT != Reporting::Never {
            context.forget_notes();
        }
    }
}

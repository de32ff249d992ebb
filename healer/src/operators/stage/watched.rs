//! Observations while a record passes a stage: how long calls take, how large values are, and the outputs themselves where data
//! is logged.

use std::time::Duration;

use serde::Serialize;

use super::{Stage, StageNode, Verdict};
use crate::{
    codec::RawJson,
    context::{Context, written},
    error::Cause,
    lane::Host,
    observe,
};

impl<S: Stage, D> StageNode<S, D> {
    /// Calls a function of a record that is watched.
    #[cold]
    pub(super) fn watched(
        &self,
        host: &Host,
        context: &Context,
        value: S::In,
        call: impl FnOnce(S::In, &Context) -> Verdict<S::Out>,
    ) -> Verdict<S::Out> {
        self.watch_input(host, context, &value);
        let mut span = context.call(&self.node.path);
        span.begin();
        let began = host.now();
        let verdict = call(value, context);
        self.watch_end(host, context, began);
        span.end(verdict.ended());
        if let Verdict::Next(value) = &verdict {
            self.watch_output(host, context, value);
        }
        verdict
    }

    /// Looks at the input of a call beyond the poll thread, if its record is watched or a measurement is due.
    #[inline]
    pub(super) fn looks_at_call(&self, host: &Host, context: &mut Context, value: &S::In) {
        let watch = context.watch();
        if !watch.is_measured() && host.measures().is_due_at(self.node.id) {
            context.set_watch(watch.and_measured());
        }
        self.looks_at_input(host, context, value);
    }

    /// Looks at the input of a call, if its record is watched.
    #[inline]
    pub(super) fn looks_at_input(&self, host: &Host, context: &Context, value: &S::In) {
        if context.watch().is_any() {
            self.watch_input(host, context, value);
        }
    }

    /// Looks at the output of a call, if its record is watched.
    #[inline]
    pub(super) fn looks_at_output(
        &self,
        host: &Host,
        context: &Context,
        result: &Result<Verdict<S::Out>, Cause>,
    ) {
        if context.watch().is_any()
            && let Ok(Verdict::Next(value)) = result
        {
            self.watch_output(host, context, value);
        }
    }

    #[cold]
    pub(super) fn watch_input(&self, host: &Host, context: &Context, value: &S::In) {
        if context.watch().is_measured()
            && host.measures().sizes()
            && let Some(json) = shown(host, |json| S::input_json(value, json))
        {
            host.measures().input(self.node.id, json.len());
        }
    }

    #[cold]
    pub(super) fn watch_output(&self, host: &Host, context: &Context, value: &S::Out) {
        let watch = context.watch();
        let measured = watch.is_measured() && host.measures().sizes();
        if !measured && !watch.is_logged() {
            return;
        }
        let Some(json) = shown(host, |json| S::output_json(value, json)) else { return };
        if measured {
            host.measures().output(self.node.id, json.len());
        }
        if watch.is_logged() {
            let _inside = observe::enter(context.here(), self.node.id);
            observe::emitted(&self.node.path, &json);
        }
    }

    /// A call that began then has ended.
    pub(super) fn watch_end(&self, host: &Host, context: &Context, began: Duration) {
        if context.watch().is_measured() {
            host.measures().took(self.node.id, host.now().saturating_sub(began));
        }
    }
}

/// A value as JSON; the time that this takes is noted as the cost of the look.
fn shown(host: &Host, write: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<Vec<u8>> {
    let began = host.now();
    let json = written(write);
    host.measures().cost(began, host.now());
    json
}

/// Shows a value, if it can be shown: the macro calls `json` on a reference to this, and finds the method of [`HasJson`]
/// before that of [`HasNone`].
#[doc(hidden)]
pub struct Shown<'v, T: ?Sized>(pub &'v T);

#[doc(hidden)]
pub trait HasJson {
    fn json(&self, into: &mut Vec<u8>) -> bool;
}

impl<T: Serialize + ?Sized> HasJson for Shown<'_, T> {
    fn json(&self, into: &mut Vec<u8>) -> bool {
        serde_json::to_writer(into, self.0).is_ok()
    }
}

impl HasJson for Shown<'_, RawJson> {
    fn json(&self, into: &mut Vec<u8>) -> bool {
        into.extend_from_slice(self.0.as_str().as_bytes());
        true
    }
}

#[doc(hidden)]
pub trait HasNone {
    fn json(&self, into: &mut Vec<u8>) -> bool;
}

impl<T: ?Sized> HasNone for &Shown<'_, T> {
    fn json(&self, _: &mut Vec<u8>) -> bool {
        false
    }
}

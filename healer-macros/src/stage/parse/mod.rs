//! From tokens to the settings of the attribute and the types of the signature.

mod attribute;
mod function;
mod input;
mod output;
mod parameters;
mod types;

pub(super) use attribute::{Most, OnError, Order, Report, Settings, settings};
pub(super) use function::{Function, function, refuse_odd};
pub(super) use input::{Input, InputKind, input};
pub(super) use output::{Opened, Output, Own, Yields, lifetimes, output};
pub(super) use parameters::{Argument, Parameters, parameters};
pub(super) use types::{argument, is, is_unknown, mentions, open, peel};

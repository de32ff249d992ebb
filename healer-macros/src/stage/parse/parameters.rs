//! The parameters: one value, any state, perhaps the context.

use syn::{FnArg, PatType, Type};

use super::{
    function::Function,
    types::{is, is_batch, owned, peel},
};
use crate::stage::fault::{Faults, fault, show};

/// As many pieces of state as `Need` is implemented for.
const MOST_STATE: usize = 8;

/// An argument of the call, in its place.
pub(in crate::stage) enum Argument {
    Input,
    State(usize),
    Context,
}

/// The parameters of the function.
#[derive(Default)]
pub(in crate::stage) struct Parameters {
    /// The kind of each parameter, with its type as written.
    pub(in crate::stage) arguments: Vec<(Argument, Type)>,
    /// The types behind the references of `#[state]`.
    pub(in crate::stage) state: Vec<Type>,
    pub(in crate::stage) input: Option<PatType>,
    pub(in crate::stage) context: Option<PatType>,
}

/// Sorts the parameters and takes `#[state]` off them.
pub(in crate::stage) fn parameters(function: &mut Function, faults: &mut Faults) -> Parameters {
    let mut parameters = Parameters::default();
    let name = function.sig.ident.clone();
    for parameter in &mut function.sig.inputs {
        let FnArg::Typed(parameter) = parameter else { continue };
        let before = parameter.attrs.len();
        parameter.attrs.retain(|attribute| !attribute.path().is_ident("state"));
        match before - parameter.attrs.len() {
            0 => plain(&mut parameters, parameter, faults),
            1 => state(&mut parameters, parameter, faults),
            _ => faults.at(&*parameter, "this is marked as state twice", "keep one `#[state]`"),
        }
    }
    if parameters.input.is_none() && function.sig.receiver().is_none() && faults.is_empty() {
        faults.at(
            &name,
            format!("`{name}` takes no value: there is nothing that a record could flow into"),
            "give it a parameter for the value, as in `value: T` or `value: &T`",
        );
    }
    parameters
}

fn plain(parameters: &mut Parameters, parameter: &PatType, faults: &mut Faults) {
    let ty = peel(&parameter.ty);
    if let Type::Reference(reference) = ty
        && is(&reference.elem, "Context")
    {
        if reference.mutability.is_some() {
            faults.at(ty, "the context is what the broker said: it can't be changed", "write `&Context`");
        } else if parameters.context.is_some() {
            faults.at(ty, "a second `&Context`: there is one for each record", "remove one of them");
        }
        parameters.arguments.push((Argument::Context, ty.clone()));
        parameters.context = Some(parameter.clone());
        return;
    }
    if is(ty, "Context") && parameters.context.is_none() {
        faults.at(ty, "the context is lent to a stage, not given", "write `&Context`");
        parameters.context = Some(parameter.clone());
        return;
    }
    if parameters.input.is_some() && is_batch(behind(ty)) {
        let help = "gather the rows of both streams in one: `union(a, b) => batch(500, within = \"1s\")`; what is no stream is lent with `#[state]`";
        faults.hide_body();
        faults.at(parameter, "a second batch: one flows in at a time", help);
        return;
    }
    if parameters.input.is_some() {
        faults.at(
            parameter,
            "a second value: one record flows in at a time",
            format!("write `#[state] {}` if it is state, or take both as a tuple", show(parameter)),
        );
        return;
    }
    parameters.arguments.push((Argument::Input, ty.clone()));
    parameters.input = Some(parameter.clone());
}

/// The type behind a reference; another type as it is.
fn behind(ty: &Type) -> &Type {
    match ty {
        Type::Reference(reference) => peel(&reference.elem),
        _ => ty,
    }
}

fn state(parameters: &mut Parameters, parameter: &PatType, faults: &mut Faults) {
    let ty = peel(&parameter.ty);
    let Type::Reference(reference) = ty else {
        faults.at(
            ty,
            "state is lent to a stage, not given: other records need it as well",
            format!("write `#[state] {}: &{}`", show(&parameter.pat), show(ty)),
        );
        return;
    };
    if let Some(mutability) = &reference.mutability {
        faults.at(
            mutability,
            "state is shared by all partitions: none of them may have it alone",
            format!("write `&{}` and keep what changes in a `Mutex` or an atomic", show(&reference.elem)),
        );
        return;
    }
    let held = peel(&reference.elem);
    if let Type::ImplTrait(opaque) = held {
        faults.add(fault(
            opaque,
            "state is found by its type, and this one has no name",
            "write `&dyn Trait`, or a parameter of type: `fn name<S: Trait>(…, #[state] state: &S)`",
        ));
        return;
    }
    if let Err(error) = owned(held, "state lives as long as the pipeline") {
        faults.add(error);
        return;
    }
    if parameters.state.len() == MOST_STATE {
        let message = format!("a stage can ask for {MOST_STATE} pieces of state, and this is one more");
        faults.at(parameter, message, "put some of it into one struct");
        return;
    }
    parameters.arguments.push((Argument::State(parameters.state.len()), ty.clone()));
    parameters.state.push(held.clone());
}

//! `#[stage]` and `#[checkpoint]`: a node beside a function that stays as it is.
//!
//! Three steps over tokens: `parse` reads the attribute and the signature, `check` compares the two, `emit` writes the node
//! beside the function. All faults of a function are reported together, each at the user's own token. A node with about the
//! intended types is written all the same, so that the compiler does not complain about the rest of the program.

mod check;
mod checkpoint;
mod conditional;
mod emit;
mod fault;
mod parse;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use checkpoint::expand as expand_checkpoint;

use fault::Faults;
use parse::{Function, Input, Output, Parameters, Settings};

/// A function that is a node, understood.
struct Stage {
    settings: Settings,
    function: Function,
    parameters: Parameters,
    input: Input,
    output: Output,
}

pub(crate) fn expand(attribute: &TokenStream, item: TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let mut settings = parse::settings(attribute.clone(), &mut faults);
    let mut function = match parse::function(item.clone()) {
        Ok(function) => function,
        Err(fault) => {
            faults.add(fault);
            let mut written = item;
            written.extend(faults.into_tokens());
            return written;
        }
    };
    if faults.is_empty()
        && let Some(either) =
            conditional::expand(&function, attribute, &settings.krate(function.sig.ident.span()))
    {
        return either;
    }
    checkpoint::take(&mut function, &mut settings, &mut faults);
    match understand(settings, function, &mut faults) {
        Ok(stage) => emit::stage(stage),
        Err(broken) => {
            let (settings, function) = *broken;
            let node = emit::broken(&settings, &function, faults.must_hide_body());
            let errors = faults.into_tokens();
            quote!(#node #errors)
        }
    }
}

type Broken = Box<(Settings, Function)>;

/// Reads the signature under the settings. If there is no stage, `faults` holds the reasons.
fn understand(settings: Settings, mut function: Function, faults: &mut Faults) -> Result<Stage, Broken> {
    let understood = faults.is_empty();
    parse::refuse_odd(&function, faults);
    let parameters = parse::parameters(&mut function, faults);
    if !understood {
        // The types that flow in and out depend on the settings.
        return Err(Box::new((settings, function)));
    }
    let input = parse::input(&settings, &function, &parameters, faults);
    let output = parse::output(&settings, &function, input.as_ref(), faults);
    if let Some(output) = &output {
        check::check(&settings, &function, &parameters, output, faults);
    }
    match (input, output) {
        (Some(input), Some(output)) if faults.is_empty() => {
            Ok(Stage { settings, function, parameters, input, output })
        }
        _ => Err(Box::new((settings, function))),
    }
}

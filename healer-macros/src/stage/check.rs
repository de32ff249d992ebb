//! What settings and signature say together.

use crate::stage::{
    fault::Faults,
    parse::{Function, Output, Parameters, Settings},
};

pub(super) fn check(
    settings: &Settings,
    function: &Function,
    parameters: &Parameters,
    output: &Output,
    faults: &mut Faults,
) {
    let name = &function.sig.ident;
    if let Some((key, _)) = &settings.skip
        && settings.flat.is_none()
        && !output.opened.may_skip()
    {
        let (message, help) = if settings.batch.is_some() {
            (
                "a batch stage skips no record by itself",
                "give the reason where rows are dropped: `rows.filter(\"reason\", …)`",
            )
        } else {
            (
                "the stage never skips a record: it returns no `Option`",
                "return `Option<U>` or `Result<Option<U>, E>`, or remove `skip`",
            )
        };
        faults.at(key, message, help);
    }
    if settings.batch.is_none() {
        return;
    }
    if let Some(context) = &parameters.context {
        faults.at(
            &context.ty,
            "a batch has no single context: each row comes with its own",
            "remove the parameter; `rows.iter()` gives `(&Context, &T)` of each row",
        );
    }
    if let Some(checkpoint) = &settings.checkpoint {
        faults.at(
            checkpoint,
            format!("`{name}` gives whole batches, and a checkpoint keeps single values"),
            "put `#[checkpoint]` on a stage before the batch",
        );
    }
}

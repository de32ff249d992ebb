//! What `pipeline!` takes.

super::programs! {
    "pipeline":
    alias,
    awaited_values,
    bound_and_used_once,
    closures,
    codecs,
    diamond,
    equal_by_hand,
    generic_stages,
    hygiene,
    in_a_macro,
    inside_functions,
    labels,
    nested_fan_out,
    nodes_by_functions,
    one_chain,
    order_of_values,
    run_time_values,
    sink_settings,
    source_settings,
    state_added_later,
    topics,
    union,
    union_of_unions,
    union_unnamed,
}

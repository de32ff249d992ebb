//! Tests over tokens: the expansion of a pipeline, and the faults of a wrong one.

mod expansion;
mod faults;

//! Where a value came from: the first question when a setting has an unexpected value.

use std::fmt;

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Nobody set it.
    Default,
    /// healer sets it and nobody else can.
    Fixed,
    /// Code: a setter of the builder.
    Builder,
    /// The environment variable of this name.
    Env(String),
    /// The pipeline's name (only the group).
    Pipeline,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Fixed => f.write_str("fixed"),
            Self::Builder => f.write_str("builder"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Pipeline => f.write_str("the pipeline's name"),
        }
    }
}

/// A value that is known to be right, with its source. No `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) struct Sourced<T> {
    pub(super) value: T,
    pub(super) source: Source,
}

//! The data that a store holds, and the scope that it counts for.

#[path = "../common/mod.rs"]
mod common;
mod folder;
#[cfg(unix)]
mod full;
mod histories;
mod kept;
mod scopes;

//! What a store holds, and for whom.

#[path = "../common/mod.rs"]
mod common;
mod folder;
#[cfg(unix)]
mod full;
mod histories;
mod kept;
mod scopes;

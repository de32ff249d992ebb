//! Over tokens: what a pipeline expands to, and what is said about a wrong one.

mod expansion;
mod faults;

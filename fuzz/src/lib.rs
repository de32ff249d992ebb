//! Shared by the fuzz targets: a bound on the bytes that a piece of work takes from the allocator.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Does the work, and fails if everything it asked of the allocator, freed again or not, is above `limit` bytes.
pub fn bounded<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    let region = Region::new(ALLOCATOR);
    let result = work();
    let taken = region.change().bytes_allocated;
    assert!(taken <= limit, "{taken} bytes were allocated, the bound is {limit}");
    result
}

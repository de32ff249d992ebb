//! Writing a line must not harm the code that logs: neither by a panic nor by lines about lines.

use std::cell::Cell;

use crate::error::catch;

thread_local! {
    static AT_IT: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is writing a line right now.
pub(super) fn is_at_it() -> bool {
    AT_IT.get()
}

/// Does the work, unless this thread is at it already: lines that a `Debug` or a writer logs meanwhile are left out, since that
/// could go on for ever. A panic ends here as well. `None` where the work was not done.
pub(super) fn alone<T>(work: impl FnOnce() -> T) -> Option<T> {
    if AT_IT.replace(true) {
        return None;
    }
    let done = catch(work).ok();
    AT_IT.set(false);
    done
}

#[cfg(test)]
mod tests {
    use super::{alone, is_at_it};

    #[test]
    fn nothing_is_done_within_and_everything_after_a_panic() {
        assert_eq!(alone(|| (is_at_it(), alone(|| 1))), Some((true, None)));
        assert_eq!(alone(|| -> u8 { panic!("on purpose") }), None);
        assert_eq!((is_at_it(), alone(|| 2)), (false, Some(2)));
    }
}

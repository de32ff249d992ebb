//! How often a stage is called.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::config::parse_duration;

/// How far calls that began late may catch up, so that timers' ticks do not add up: a hundredth of a second's worth may come at
/// once.
const SLACK: Duration = Duration::from_millis(10);

/// Gives calls their turns, evenly spaced, in the order in which they ask. Whoever asks later never overtakes, as among those who
/// sleep and then compete.
#[derive(Debug)]
pub(super) struct Rate {
    interval: Duration,
    /// When the next turn is.
    next: Mutex<Duration>,
}

impl Rate {
    /// Reads `"100/s"`, `"10/min"` or `"1/250ms"`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("rate: `{text}` is no rate: {why}; write \"100/s\" or \"10/min\"");
        let (calls, per) = text.split_once('/').ok_or_else(|| wrong("it has no `/`"))?;
        let calls: u32 = calls.trim().parse().map_err(|_| wrong("before the `/` stands a whole number"))?;
        let per = per.trim();
        let per = if per.starts_with(|first: char| first.is_ascii_digit()) {
            parse_duration(per)
        } else {
            parse_duration(&format!("1{per}"))
        };
        let per = per.map_err(|_| wrong("behind the `/` stands a unit of time, or a time"))?;
        let interval = per.checked_div(calls).ok_or_else(|| wrong("no call would ever be made"))?;
        if interval.is_zero() {
            return Err(wrong("it is beyond a call a nanosecond"));
        }
        Ok(Self { interval, next: Mutex::new(Duration::ZERO) })
    }

    /// Takes the next turn; says how long it is until then.
    pub(super) fn take(&self, now: Duration) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(now.saturating_sub(SLACK));
        *next = turn + self.interval;
        turn.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Rate;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn turns_are_evenly_spaced_and_late_ones_catch_up_a_little() {
        let rate = Rate::read("100/s").unwrap();
        // The first two at once: a hundredth of a second's worth.
        let waits = [0, 0, 10, 20, 30].map(|wait| wait * MS);
        assert_eq!(waits.map(|_| rate.take(1_000 * MS)), waits);
        assert_eq!(rate.take(1_025 * MS), 15 * MS, "who asks later waits behind");
        assert_eq!(rate.take(9_000 * MS), Duration::ZERO);
        assert_eq!(rate.take(9_000 * MS), Duration::ZERO, "of a long rest not more than that is made good");
        assert_eq!(rate.take(9_000 * MS), 10 * MS);
    }

    #[test]
    fn texts_are_read_or_refused_with_the_reason() {
        let interval = |text| Rate::read(text).map(|rate| rate.interval);
        assert_eq!(interval("100/s"), Ok(10 * MS));
        assert_eq!(interval("6 / min"), Ok(10_000 * MS));
        assert_eq!(interval("1/250ms"), Ok(250 * MS));
        for (text, why) in [
            ("100", "no `/`"),
            ("many/s", "a whole number"),
            ("0/s", "no call would ever be made"),
            ("5/fortnight", "a unit of time"),
            ("4000000000/s", "beyond a call a nanosecond"),
        ] {
            let error = interval(text).unwrap_err();
            assert!(error.contains(why) && error.contains(text), "{error}");
        }
    }
}

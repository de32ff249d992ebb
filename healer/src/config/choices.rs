//! The settings that are a choice between a few words, with the same words in code, environment and errors.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

/// 10000-01-01T00:00:00Z, the first instant that no four-digit year can write.
const YEAR_10000: Duration = Duration::from_hours(24 * 2_932_897);

/// A text that is none of the words of a choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of the choices; allowed: {allowed}")]
#[non_exhaustive]
pub struct ChoiceError {
    text: String,
    allowed: &'static str,
}

impl ChoiceError {
    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The texts that are accepted, in words.
    pub fn allowed(&self) -> &'static str {
        self.allowed
    }
}

/// A choice between a few words.
pub(super) trait Chosen: Copy + PartialEq + fmt::Display + FromStr<Err = ChoiceError> {
    /// The words.
    const ALLOWED: &'static str;

    /// The fault of a value that no word can say.
    fn problem(&self) -> Option<&'static str> {
        None
    }
}

/// How the partitions are shared among the members of the consumer group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// The classic protocol with the cooperative-sticky assignor: works with every broker. The default.
    #[default]
    Classic,
    /// The protocol of KIP-848 (Kafka 4): the broker assigns, and owns session time-out and heartbeat.
    Consumer,
}

impl Chosen for Protocol {
    const ALLOWED: &'static str = "`classic` or `consumer`";
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        })
    }
}

impl FromStr for Protocol {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "classic" => Ok(Self::Classic),
            "consumer" => Ok(Self::Consumer),
            _ => Err(ChoiceError { text: text.to_owned(), allowed: Self::ALLOWED }),
        }
    }
}

/// Where a partition starts for which the group has committed no offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Start {
    /// At the first record that the topic still has: nothing is skipped. The default.
    #[default]
    Earliest,
    /// At the end as it is when the group begins: only records that come later are read.
    ///
    /// A partition that is added to a topic while the group lives, or a topic that comes to a pattern, is read from its first
    /// record. A topic that is new in the code starts at its end. The end is the offset up to which readers of committed records
    /// may read: records that an open transaction holds back are still to come.
    ///
    /// Brokers forget the commits of a group that has had no members for `offsets.retention.minutes`, 7 days by default.
    /// Such a group begins anew, and records of the time between are passed over.
    Latest,
    /// At the first record whose timestamp is this or later; at the end where there is none.
    /// From 1970 up to the year 9999, in whole milliseconds (finer parts are cut off).
    ///
    /// Times need not ascend in a log, and a transaction's end may have a later one than its records. So of the records that are
    /// there when the partition is started, all that are older than this are skipped, and counted in
    /// [`Report::skipped`](crate::Report::skipped) and `healer_records_skipped_total` with the reason `older than the start`.
    /// Records written later are processed, however old their time is; so are records that a restart or another member finds
    /// above the committed offset.
    Time(SystemTime),
    /// Nowhere: a partition without a committed offset stops the pipeline with an error.
    Error,
}

impl Chosen for Start {
    const ALLOWED: &'static str = "`earliest`, `latest`, `error`, or `time:` with a time in UTC \
        (`time:2026-01-31T12:00:00Z`) or milliseconds since 1970 (`time:1769860800000`)";

    fn problem(&self) -> Option<&'static str> {
        (matches!(self, Self::Time(_)) && self.millis().is_none()).then_some("the time is out of range")
    }
}

impl Start {
    /// [`Start::Time`] of so many milliseconds since 1970 (UTC), as Kafka counts them.
    ///
    /// ```
    /// use healer::Start;
    ///
    /// assert_eq!(Start::at_millis(1_769_860_800_000).to_string(), "time:2026-01-31T12:00:00.000Z");
    /// ```
    pub fn at_millis(millis: u64) -> Self {
        // the sum cannot overflow on the platforms that we know; where it did, the time would be refused by `build`
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        Self::Time(time.unwrap_or(SystemTime::UNIX_EPOCH + YEAR_10000))
    }

    /// The time in milliseconds since 1970 (UTC), as Kafka counts them; `None` for the other choices and for a
    /// time that is out of range.
    pub fn millis(&self) -> Option<i64> {
        let Self::Time(time) = self else { return None };
        let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        if since >= YEAR_10000 {
            return None;
        }
        i64::try_from(since.as_millis()).ok()
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Error => f.write_str("error"),
            // humantime panics on times outside of 1970 to 9999, hence the look at `millis` first
            Self::Time(time) if self.millis().is_some() => {
                write!(f, "time:{}", humantime::format_rfc3339_millis(*time))
            }
            Self::Time(_) => f.write_str("time:(outside of 1970 to 9999)"),
        }
    }
}

impl FromStr for Start {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let wrong = || ChoiceError { text: text.to_owned(), allowed: Self::ALLOWED };
        let trimmed = text.trim();
        let start = match trimmed.to_ascii_lowercase().as_str() {
            "earliest" => Self::Earliest,
            "latest" => Self::Latest,
            "error" => Self::Error,
            word => {
                let time = word.strip_prefix("time:").ok_or_else(wrong)?.trim();
                if let Ok(millis) = time.parse::<u64>() {
                    Self::at_millis(millis)
                } else {
                    let upper = time.to_ascii_uppercase();
                    Self::Time(humantime::parse_rfc3339(&upper).map_err(|_| wrong())?)
                }
            }
        };
        match start {
            Self::Time(_) if start.millis().is_none() => Err(wrong()),
            start => Ok(start),
        }
    }
}

/// The pipeline's answer when an offset that the group committed lies outside of the topic's log: records were deleted
/// before they were read, or the topic was created anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OutOfRange {
    /// The pipeline stops with an error that names the partition and both ends. The default: the missing records may
    /// be lost, and somebody should look.
    #[default]
    Error,
    /// Go on at the first record that the topic still has.
    Earliest,
    /// Go on at the end: records before it are not read.
    Latest,
}

impl Chosen for OutOfRange {
    const ALLOWED: &'static str = "`error`, `earliest` or `latest`";
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Earliest => "earliest",
            Self::Latest => "latest",
        })
    }
}

impl FromStr for OutOfRange {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "error" => Ok(Self::Error),
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            _ => Err(ChoiceError { text: text.to_owned(), allowed: Self::ALLOWED }),
        }
    }
}

//! Times and rates as people write them, `"250ms"`, `"100ms..10s"` and `"100/s"`: a wrong one is a fault at its literal.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr};

const ALLOWED: &str = "a number with a unit, such as \"250ms\", \"2s\" or \"1m 30s\"";

/// The longest time that a rate is told for: `y` is a year, and rather a slip.
const DAY: Duration = Duration::from_hours(24);

/// A time.
pub(crate) fn time(text: &LitStr) -> Result<Duration, Error> {
    read(&text.value()).map_err(|why| refused(text, &why))
}

/// A time in which something can be done.
pub(crate) fn some_time(text: &LitStr) -> Result<Duration, Error> {
    let time = time(text)?;
    if time.is_zero() {
        return Err(fault(text, "within no time no call can end", &format!("write {ALLOWED}")));
    }
    Ok(time)
}

/// The first pause and the longest, or one for all.
pub(crate) fn pauses(text: &LitStr) -> Result<(Duration, Duration), Error> {
    let value = text.value();
    let (least, most) = value.split_once("..").unwrap_or((&value, &value));
    let each = |part: &str| read(part).map_err(|why| refused(text, &why));
    let (least, most) = (each(least)?, each(most)?);
    if least > most {
        let about = format!("the first pause of `{value}` is longer than the longest");
        return Err(fault(text, &about, "write the shorter one first, as in \"100ms..10s\""));
    }
    Ok((least, most))
}

/// The time from one call to the next.
pub(crate) fn rate(text: &LitStr) -> Result<Duration, Error> {
    let value = text.value();
    let wrong = |why: &str| {
        fault(text, &format!("`{value}` is no rate: {why}"), "write \"100/s\", \"10/min\" or \"1/250ms\"")
    };
    let (calls, per) = value.split_once('/').ok_or_else(|| wrong("it has no `/`"))?;
    let calls: u32 = calls.trim().parse().map_err(|_| wrong("before the `/` stands a whole number"))?;
    let per = per.trim();
    let one = if per.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "1" };
    let per: Duration =
        read(&format!("{one}{per}")).map_err(|_| wrong("behind the `/` stands a unit of time, or a time"))?;
    if per > DAY {
        return Err(wrong("behind the `/` stands a time of up to a day"));
    }
    let interval = per.checked_div(calls).ok_or_else(|| wrong("no call would ever be made"))?;
    if interval.is_zero() {
        return Err(wrong("it is beyond a call a nanosecond"));
    }
    Ok(interval)
}

/// The time as a constant.
pub(crate) fn constant(time: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (time.as_secs(), time.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

/// As `healer::config::parse_duration` reads settings.
fn read(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "0" => Ok(Duration::ZERO),
        text => humantime::parse_duration(text).map_err(|why| format!("`{text}` is not a duration: {why}")),
    }
}

fn refused(text: &LitStr, why: &str) -> Error {
    fault(text, why, &format!("write {ALLOWED}"))
}

fn fault(text: &LitStr, message: &str, help: &str) -> Error {
    Error::new(text.span(), format!("{message}\n  help: {help}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proc_macro2::Span;
    use syn::{Error, LitStr};

    use super::{pauses, rate, some_time, time};

    const MS: Duration = Duration::from_millis(1);

    fn read<T>(how: impl Fn(&LitStr) -> Result<T, Error>, text: &str) -> Result<T, String> {
        how(&LitStr::new(text, Span::call_site())).map_err(|error| error.to_string())
    }

    #[test]
    fn times_and_rates_are_read_as_settings_are() {
        assert_eq!(read(time, "1m 30s"), Ok(90_000 * MS));
        assert_eq!(read(time, "0"), Ok(Duration::ZERO));
        assert_eq!(read(pauses, "100ms..10s"), Ok((100 * MS, 10_000 * MS)));
        assert_eq!(read(pauses, "1s"), Ok((1_000 * MS, 1_000 * MS)));
        assert_eq!(read(rate, "100/s"), Ok(10 * MS));
        assert_eq!(read(rate, "6 / min"), Ok(10_000 * MS));
        assert_eq!(read(rate, "1/250ms"), Ok(250 * MS));
    }

    #[test]
    fn a_wrong_time_or_rate_is_refused_with_the_reason() {
        for (error, why) in [
            (read(time, "2x").unwrap_err(), "`2x` is not a duration"),
            (read(time, "250").unwrap_err(), "time unit needed"),
            (read(time, "-1s").unwrap_err(), "`-1s` is not a duration"),
            (read(some_time, "0s").unwrap_err(), "no call can end"),
            (read(pauses, "10s..100ms").unwrap_err(), "longer than the longest"),
            (read(pauses, "1s..").unwrap_err(), "`` is not a duration"),
            (read(rate, "100").unwrap_err(), "no `/`"),
            (read(rate, "many/s").unwrap_err(), "a whole number"),
            (read(rate, "0/s").unwrap_err(), "no call would ever be made"),
            (read(rate, "5/fortnight").unwrap_err(), "a unit of time"),
            (read(rate, "100/y").unwrap_err(), "of up to a day"),
            (read(rate, "4000000000/s").unwrap_err(), "beyond a call a nanosecond"),
        ] {
            assert!(error.contains(why), "{error}");
        }
    }
}

use std::time::Duration;

use proptest::prelude::*;

use crate::config::{IntoDuration, parse_duration};

#[test]
fn a_duration_is_a_number_with_a_unit() {
    for (text, millis) in [
        ("250ms", 250),
        ("2s", 2_000),
        ("1m 30s", 90_000),
        (" 5s ", 5_000),
        ("0.5s", 500),
        ("0", 0),
        ("0s", 0),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
}

#[test]
fn a_wrong_duration_is_answered_with_its_text_the_reason_and_what_is_allowed() {
    for text in ["", "  ", "250", "-1s", "ten seconds", "1 fortnight", "5s!", "99999999999999999999s", "1e3s"]
    {
        let error = parse_duration(text).unwrap_err();
        assert_eq!(error.text(), text);
        let shown = error.to_string();
        assert!(shown.contains(&format!("`{text}`")) && shown.contains("250ms"), "{shown}");
        assert!(!error.reason().is_empty());
    }
    assert!(parse_duration("250").unwrap_err().reason().contains("unit needed"));
}

#[test]
fn durations_are_taken_as_text_or_as_durations() {
    let two = Duration::from_secs(2);
    let text = "2s".to_owned();
    assert_eq!("2s".into_duration(), Ok(two));
    assert_eq!((&text).into_duration(), Ok(two));
    assert_eq!(text.into_duration(), Ok(two));
    assert_eq!(two.into_duration(), Ok(two));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_duration_reads_back_as_it_is_written(seconds in 0_u64..1 << 40, nanos in 0_u32..1_000_000_000) {
        let duration = Duration::new(seconds, nanos);
        let text = humantime::format_duration(duration).to_string();
        prop_assert_eq!(parse_duration(&text), Ok(duration));
        prop_assert_eq!(parse_duration(&format!("  {text}\n")), Ok(duration));
    }

    #[test]
    fn numbers_with_units_add_up(hours in 0_u64..1000, millis in 0_u64..1_000_000) {
        let sum = Duration::from_hours(hours) + Duration::from_millis(millis);
        prop_assert_eq!(parse_duration(&format!("{hours}h {millis}ms")), Ok(sum));
        if millis > 0 {
            prop_assert!(parse_duration(&millis.to_string()).is_err());
            let negative = format!("-{millis}ms");
            prop_assert!(parse_duration(&negative).is_err());
        }
    }

    #[test]
    fn any_text_is_a_duration_or_an_error_that_repeats_it(
        text in prop_oneof![".{0,20}", "[0-9]{0,25} ?[a-z]{0,6} ?[0-9]{0,25}[a-z]{0,4}"],
    ) {
        if let Err(error) = parse_duration(&text) {
            prop_assert_eq!(error.text(), &text);
            prop_assert!(!error.reason().is_empty() && error.to_string().contains(&text));
        }
    }
}

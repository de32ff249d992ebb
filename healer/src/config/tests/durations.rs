use std::time::Duration;

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

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use super::{built, complete, one, refused};
use crate::config::{Config, OutOfRange, Protocol, Start, WrongKind};

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = built(complete());
    assert_eq!(config.group(), None);
    assert_eq!(config.protocol(), Protocol::Classic);
    assert_eq!(config.start(), Start::Earliest);
    assert_eq!(config.out_of_range(), OutOfRange::Error);
    assert_eq!(config.commit_interval(), Duration::from_secs(10));
    assert_eq!(config.in_flight(), 1024);
    assert_eq!(config.memory_budget(), 64 * 1024 * 1024);
    assert_eq!(config.metadata_max_bytes(), 4096);
    assert_eq!(config.stall_after(), Duration::from_mins(1));
    assert_eq!(config.unreachable_after(), Duration::from_mins(1));
    assert_eq!(config.store_path(), None);
    assert_eq!(config.memory_max_len(), 10_000_000);
    assert_eq!(config.memory_max_age(), Duration::from_hours(1));
    assert_eq!(config.poll_budget(), Duration::from_millis(100));
    assert_eq!(config.drain_budget(), Duration::from_secs(5));
    assert_eq!(config.connect_timeout(), Duration::from_secs(10));
    assert_eq!(config.start_budget(), Duration::from_mins(1));
    assert_eq!(config.max_poll_interval(), Duration::from_mins(5));
    assert!(config.warnings().is_empty());
}

#[test]
fn missing_brokers_name_their_variable() {
    let wrong = one(Config::builder());
    assert_eq!((wrong.kind(), wrong.key(), wrong.value()), (WrongKind::Missing, "brokers", None));
    assert!(wrong.to_string().contains("HEALER_BROKERS"), "{wrong}");
}

#[test]
fn every_wrong_setting_is_named_at_once_with_key_value_and_what_is_allowed() {
    let error = refused(
        Config::builder()
            .brokers("localhost:port")
            .group(" ")
            .commit_interval("0s")
            .in_flight(0)
            .poll_budget("soon")
            .store_path("")
            .set("auto.offset.reset", "latest"),
    );
    let text = error.to_string();
    assert!(text.starts_with("the configuration is wrong in 7 settings:"), "{text}");
    let keys: Vec<_> = error.wrong().iter().map(crate::config::WrongSetting::key).collect();
    let expected = [
        "brokers",
        "group",
        "commit_interval",
        "in_flight",
        "store_path",
        "poll_budget",
        "auto.offset.reset",
    ];
    assert_eq!(keys, expected);
    for wrong in error.wrong() {
        assert!(!wrong.what_is_allowed().is_empty());
        assert!(text.contains(&wrong.to_string()), "{text}");
    }
}

#[test]
fn a_commit_interval_of_zero_is_refused_with_the_allowed_range() {
    for text in ["0s", "0", "999us"] {
        let wrong = one(complete().commit_interval(text));
        assert_eq!(wrong.key(), "commit_interval");
        assert!(wrong.what_is_allowed().contains("1ms to 1day"), "{wrong}");
        assert!(wrong.to_string().contains("too short"), "{wrong}");
    }
    one(complete().commit_interval(Duration::ZERO));
    one(complete().commit_interval(Duration::MAX));
    built(complete().commit_interval("1ms"));
}

#[test]
fn a_later_value_replaces_an_earlier_one_also_a_wrong_one() {
    let config = built(complete().commit_interval("never").commit_interval("3s").in_flight(0).in_flight(7));
    assert_eq!((config.commit_interval(), config.in_flight()), (Duration::from_secs(3), 7));
}

#[test]
fn addresses_are_taken_as_the_client_takes_them_and_no_other() {
    for brokers in [
        "kafka",
        "kafka:9092",
        "a:1,b:2, c:3",
        "PLAINTEXT://a:1",
        "[::1]:9092",
        "::1",
        "10.0.0.1:9092",
        "[::1]",
    ] {
        built(Config::builder().brokers(brokers));
    }
    for brokers in
        ["", " ", ":9092", "a:", "a:0", "a:65536", "a:b", "a:1,", "a b:1", "http://a:1/x", "u:p@a:1", "a\0:1"]
    {
        assert_eq!(one(Config::builder().brokers(brokers)).key(), "brokers", "{brokers:?}");
    }
}

#[test]
fn the_drain_budget_is_below_the_poll_interval_also_one_that_the_user_set() {
    let wrong = one(complete().drain_budget("5m"));
    assert_eq!((wrong.kind(), wrong.key()), (WrongKind::Conflict, "drain_budget"));
    assert!(wrong.what_is_allowed().contains("`max.poll.interval.ms`, 300000 ms"), "{wrong}");
    let slow = complete().set("session.timeout.ms", "6000").set("max.poll.interval.ms", "7000");
    assert_eq!(one(slow.clone().drain_budget("7s")).key(), "drain_budget");
    assert_eq!(built(slow.drain_budget("6s")).max_poll_interval(), Duration::from_secs(7));
    built(complete().drain_budget(Duration::ZERO));
}

#[test]
fn choices_read_what_they_print() {
    for protocol in [Protocol::Classic, Protocol::Consumer] {
        assert_eq!(protocol.to_string().parse(), Ok(protocol));
    }
    for out_of_range in [OutOfRange::Error, OutOfRange::Earliest, OutOfRange::Latest] {
        assert_eq!(out_of_range.to_string().parse(), Ok(out_of_range));
    }
    for start in [Start::Earliest, Start::Latest, Start::Error, Start::at_millis(1_769_860_800_123)] {
        assert_eq!(start.to_string().parse(), Ok(start));
    }
    assert!("classical".parse::<Protocol>().unwrap_err().to_string().contains("`classic` or `consumer`"));
}

#[test]
fn a_start_time_is_read_in_utc_or_in_milliseconds() {
    for text in ["time:2026-01-31T12:00:00Z", "time:1769860800000", "TIME:2026-01-31t12:00:00.000z"] {
        let start: Start = text.parse().unwrap();
        assert_eq!(start.millis(), Some(1_769_860_800_000), "{text}");
    }
    for text in ["time", "time:", "time:-5", "time:yesterday", "time:2026-01-31T12:00:00+02:00", "end", ""] {
        let wrong = text.parse::<Start>().unwrap_err();
        assert!(wrong.allowed().contains("time:2026-01-31T12:00:00Z"), "{text}");
    }
    assert!(format!("time:{}", u64::MAX).parse::<Start>().is_err());
}

#[test]
fn a_start_time_outside_of_what_kafka_can_say_is_refused_and_still_shown() {
    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    for start in [Start::Time(before), Start::at_millis(u64::MAX), Start::at_millis(253_402_300_800_000)] {
        let wrong = one(complete().start(start));
        assert_eq!(wrong.key(), "start");
        assert!(wrong.to_string().contains("out of range"), "{wrong}");
    }
    built(complete().start(Start::at_millis(253_402_300_799_999)));
}

#[test]
fn the_pipelines_name_is_the_group_where_none_was_set() {
    let config = built(complete()).with_default_group("flights");
    assert_eq!(config.group(), Some("flights"));
    assert_eq!(config.consumer_properties()["group.id"], "flights");
    assert!(config.print().to_string().contains("group = flights  # the pipeline's name"));
    assert_eq!(built(complete().group("mine")).with_default_group("flights").group(), Some("mine"));
}

#[test]
fn the_print_shows_each_setting_with_its_value_and_its_source() {
    let vars = [("HEALER_COMMIT_INTERVAL", "2s"), ("HEALER_KAFKA_FETCH_MIN_BYTES", "9")];
    let config = built(complete().store_path("/data").from_vars(vars).set("linger.ms", "50"));
    let text = config.print().to_string();
    for line in [
        "brokers = localhost:9092  # builder",
        "group = (the pipeline's name)  # default",
        "commit_interval = 2s  # env HEALER_COMMIT_INTERVAL",
        "store_path = /data  # builder",
        "fetch.min.bytes = 9  # env HEALER_KAFKA_FETCH_MIN_BYTES, consumer only",
        "linger.ms = 50  # builder, producer only",
        "client.id = healer  # default",
        "acks = all  # fixed, producer only",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
    }
    assert_eq!(config.store_path(), Some(Path::new("/data")));
}

#[test]
fn a_value_is_shown_on_one_line() {
    let config = built(complete().set("client.rack", "a\nbrokers = evil\u{1b}[2J"));
    let text = config.print().to_string();
    assert!(text.contains(r"client.rack = a\nbrokers = evil\u{1b}[2J"), "{text}");
}

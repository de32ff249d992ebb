use std::{ffi::OsString, path::Path, time::Duration};

use super::{built, complete, one, refused};
use crate::config::{Config, OutOfRange, Protocol, Source, Start, WrongKind, env::first_time};

#[test]
fn every_setting_is_read_from_its_variable() {
    let config = built(Config::builder().from_vars([
        ("HEALER_BROKERS", " kafka:9092 "),
        ("HEALER_GROUP", "g"),
        ("HEALER_PROTOCOL", "Consumer"),
        ("HEALER_START", "time:1769860800000"),
        ("HEALER_OUT_OF_RANGE", "latest"),
        ("HEALER_COMMIT_INTERVAL", "250ms"),
        ("HEALER_IN_FLIGHT", "64"),
        ("HEALER_THREADS", "2"),
        ("HEALER_MEMORY_BUDGET", "1000000"),
        ("HEALER_STORE_PATH", "/var/lib/flights"),
        ("HEALER_POLL_BUDGET", "50ms"),
        ("HEALER_DRAIN_BUDGET", "2s"),
        ("HEALER_CONNECT_TIMEOUT", "3s"),
        ("HEALER_START_BUDGET", "4s"),
        ("MAXLEN_MEMORY", "500"),
        ("MAXAGE_MEMORY", "60"),
        ("HEALER_KAFKA_CLIENT_ID", "me"),
        ("HEALER_KAFKA_LOG_LEVEL", "7"),
        ("PATH", "/bin"),
    ]));
    assert_eq!(config.brokers(), "kafka:9092");
    assert_eq!(config.group(), Some("g"));
    assert_eq!(config.protocol(), Protocol::Consumer);
    assert_eq!(config.start(), Start::at_millis(1_769_860_800_000));
    assert_eq!(config.out_of_range(), OutOfRange::Latest);
    assert_eq!(config.commit_interval(), Duration::from_millis(250));
    assert_eq!(config.in_flight(), 64);
    assert_eq!(config.threads(), 2);
    assert_eq!(config.memory_budget(), 1_000_000);
    assert_eq!(config.store_path(), Some(Path::new("/var/lib/flights")));
    assert_eq!(config.poll_budget(), Duration::from_millis(50));
    assert_eq!(config.drain_budget(), Duration::from_secs(2));
    assert_eq!(config.connect_timeout(), Duration::from_secs(3));
    assert_eq!(config.start_budget(), Duration::from_secs(4));
    assert_eq!(config.memory_max_len(), 500);
    assert_eq!(config.memory_max_age(), Duration::from_mins(1));
    let consumer = config.consumer_properties();
    assert_eq!((&*consumer["client.id"], &*consumer["log_level"]), ("me", "7"));
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
}

#[test]
fn every_wrong_variable_is_named_at_once() {
    let vars = [
        ("HEALER_BROKERS", ""),
        ("HEALER_GROUP", ""),
        ("HEALER_PROTOCOL", "new"),
        ("HEALER_START", "begin"),
        ("HEALER_OUT_OF_RANGE", "ignore"),
        ("HEALER_COMMIT_INTERVAL", "10"),
        ("HEALER_IN_FLIGHT", "-1"),
        ("HEALER_MEMORY_BUDGET", "0"),
        ("HEALER_STORE", ""),
        ("HEALER_POLL_BUDGET", "2h"),
        ("HEALER_DRAIN_BUDGET", "x"),
        ("HEALER_CONNECT_TIMEOUT", "0s"),
        ("MAXLEN_MEMORY", "0"),
        ("MAXAGE_MEMORY", "1 fortnight"),
        ("HEALER_KAFKA_GROUP_ID", "g"),
        ("HEALER_KAFKA_", "g"),
    ];
    let error = refused(Config::builder().from_vars(vars));
    let text = error.to_string();
    assert_eq!(error.wrong().len(), vars.len(), "{text}");
    for (name, _) in vars {
        let line = text.lines().find(|line| line.contains(&format!("(env {name})")));
        assert!(
            line.is_some_and(|line| line.contains("; allowed: ") || line.contains("; instead: ")),
            "{name}: {text}"
        );
    }
    assert!(text.contains("time unit needed"), "{text}");
}

#[test]
fn the_later_call_wins_between_code_and_environment() {
    let vars = [("HEALER_GROUP", "env"), ("HEALER_KAFKA_CLIENT_ID", "env")];
    let before = built(complete().group("code").set("client.id", "code").from_vars(vars));
    assert_eq!((before.group(), &*before.consumer_properties()["client.id"]), (Some("env"), "env"));
    let after = built(complete().from_vars(vars).group("code").set("client.id", "code"));
    assert_eq!((after.group(), &*after.consumer_properties()["client.id"]), (Some("code"), "code"));
}

#[test]
fn the_store_in_memory_can_be_asked_for_by_its_word() {
    let config = built(complete().store_path("/data").from_vars([("HEALER_STORE", "Memory")]));
    assert_eq!(config.store_path(), None);
}

#[test]
fn a_configuration_that_fails_names_the_variables_that_were_nearly_right() {
    let slips = [
        "HEALER_BROKER",
        "HEALR_BROKERS",
        "HEALER_BROKRES",
        "HEALERBROKERS",
        "healer_brokers",
        "Healer_Broker",
        "HEALER-BROKERS",
        "HEALING_BROKERS",
    ];
    for slip in slips {
        let vars =
            [(slip, "secret-a:9092"), ("PATH", "secret-b"), ("HOME", "secret-c"), ("LANG", "secret-d")];
        let error = refused(Config::builder().from_vars(vars));
        assert_eq!(error.wrong()[0].key(), "brokers");
        let text = error.to_string();
        let hint =
            format!("the environment variable {slip} is no setting of healer; did you mean HEALER_BROKERS?");
        assert!(text.ends_with(&hint), "{text}");
        assert_eq!(error.hints(), [hint], "{text}");
        assert!(!text.contains("secret") && !format!("{error:?}").contains("secret"), "{text}");
    }
    // One of ours that is like none is named as well; a variable that is no slip is not.
    let vars =
        [("HEALER_BOOTSTRAP_SERVERS", "k:9092"), ("HEALER_REQUIRE_KAFKA", "1"), ("KAFKA_BROKERS", "k")];
    let error = refused(Config::builder().from_vars(vars));
    assert_eq!(error.hints(), ["the environment variable HEALER_BOOTSTRAP_SERVERS is no setting of healer"]);
    // Of any setting, and wherever the builder got its variables.
    let vars = [("HEALER_COMIT_INTERVAL", "1s"), ("HEALER_GRUOP", "g")];
    let error = refused(complete().from_vars(vars).in_flight(0));
    assert_eq!(error.hints().len(), 2, "{error}");
    assert!(error.to_string().contains("did you mean HEALER_GROUP?"), "{error}");
    assert!(built(complete().from_vars([("HEALR_GROUP", "g")])).warnings().is_empty());
}

#[test]
fn an_unknown_variable_is_warned_about_with_the_nearest_name_and_never_its_value() {
    let vars = [("HEALER_BROKER", "secret-a"), ("HEALER_COLOUR", "secret-b"), ("HEALER_BROKER", "secret-a")];
    let config = built(complete().from_vars(vars));
    let [broker, colour] = config.warnings() else { panic!("{:?}", config.warnings()) };
    assert!(broker.contains("HEALER_BROKER ") && broker.contains("did you mean HEALER_BROKERS?"), "{broker}");
    assert!(colour.contains("HEALER_COLOUR") && !colour.contains("did you mean"), "{colour}");
    assert!(!format!("{:?}", config.warnings()).contains("secret"));
}

#[test]
fn variables_of_others_are_left_alone() {
    let config = built(complete().from_vars([
        ("HEALER_REQUIRE_KAFKA", "1"),
        ("HEALERX", "1"),
        ("MAXIMUM_MEMORY", "lots"),
        ("healer_brokers", "x"),
    ]));
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
}

#[test]
fn a_name_is_logged_once_in_a_process() {
    assert!(first_time("HEALER_ONLY_IN_THIS_TEST"));
    assert!(!first_time("HEALER_ONLY_IN_THIS_TEST"));
    assert!(first_time("HEALER_ONLY_IN_THIS_TEST_TOO"));
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf8_is_an_error_of_its_own_kind() {
    use std::os::unix::ffi::OsStringExt;
    let bad = || OsString::from_vec(vec![b'p', 0xff]);
    for name in ["HEALER_GROUP", "HEALER_KAFKA_CLIENT_ID", "HEALER_COMMIT_INTERVAL", "MAXLEN_MEMORY"] {
        let wrong = one(complete().from_vars([(name, bad())]));
        assert_eq!(wrong.kind(), WrongKind::NotUtf8, "{wrong}");
        assert_eq!(wrong.source(), &Source::Env(name.to_owned()));
        assert!(wrong.to_string().contains("not UTF-8"), "{wrong}");
    }
    let secret = one(complete().from_vars([("HEALER_KAFKA_SASL_PASSWORD", bad())]));
    assert_eq!(secret.value(), Some("[redacted]"));
    // a path need not be UTF-8, and a name that is not cannot be ours
    let config = built(complete().from_vars([(OsString::from("HEALER_STORE"), bad()), (bad(), bad())]));
    assert_eq!(config.store_path(), Some(Path::new(&bad())));
}

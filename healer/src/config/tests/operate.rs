use std::time::Duration;

use super::{built, complete, one};
use crate::config::{GuardSettings, LogSettings, MeasureSettings, TraceSettings, WrongKind};

#[test]
fn the_defaults_for_operating_are_the_documented_ones() {
    let config = built(complete());
    assert!(config.checkpointing());
    let logs = LogSettings { json: false, level: "INFO".to_owned(), data: false, data_max_bytes: 10_000 };
    assert_eq!((config.logs(), &LogSettings::default()), (&logs, &logs));
    let guard = GuardSettings {
        on_error: true,
        on_lost_broker: true,
        graceful_offset: Duration::from_hours(1),
        graceful_polling: Duration::from_mins(30),
        interval: Duration::from_secs(5),
        sleep_before_shutdown: Duration::from_secs(2),
        expires_after: Duration::ZERO,
        max_commits: 0,
    };
    assert_eq!((config.guard(), &GuardSettings::default()), (&guard, &guard));
    let traces = TraceSettings {
        enabled: false,
        service_name: "healer".to_owned(),
        host: "localhost".to_owned(),
        port: 4317,
        ratio: 1.0,
    };
    assert_eq!((config.traces(), &TraceSettings::default()), (&traces, &traces));
    let measures = MeasureSettings { durations: true, sizes: true };
    assert_eq!((config.measures(), MeasureSettings::default()), (measures, measures));
}

#[test]
fn all_variables_for_operating_come_out_where_they_are_read() {
    let config = built(complete().from_vars([
        ("ENABLE_CHECKPOINTING", "off"),
        ("ENABLE_JSON_LOGGING", "1"),
        ("LOGLEVEL", "warning"),
        ("ENABLE_EMIT_LOGGING", "Yes"),
        ("HEALER_LOG_DATA_MAX_BYTES", "80"),
        ("ENABLE_OPENTELEMETRY_JAEGER", "TRUE"),
        ("OPENTELEMETRY_SERVICE_NAME", "flights"),
        ("JAEGER_HOSTNAME", "collector.example"),
        ("JAEGER_PORT", "4318"),
        ("HEALER_TRACES_RATIO", "0.25"),
        ("HEALING_GOT_ERROR", "no"),
        ("HEALING_GOT_DASK", "0"),
        ("HEALING_GRACEFUL_OFFSET", "90"),
        ("HEALING_GRACEFUL_POLLING", "0"),
        ("HEALING_INTERVAL", "250ms"),
        ("HEALING_SLEEP_BEFORE_SHUTDOWN", "7"),
        ("HEALING_AUTO_EXPIRED", "1day"),
        ("HEALING_MAX_TOTAL_COMMIT", "18446744073709551615"),
        ("HEALER_MEASURE_DURATIONS", "FALSE"),
        ("HEALER_MEASURE_SIZES", "No"),
    ]));
    assert!(!config.checkpointing());
    let logs = LogSettings { json: true, level: "WARN".to_owned(), data: true, data_max_bytes: 80 };
    assert_eq!(config.logs(), &logs);
    let guard = GuardSettings {
        on_error: false,
        on_lost_broker: false,
        graceful_offset: Duration::from_secs(90),
        graceful_polling: Duration::ZERO,
        interval: Duration::from_millis(250),
        sleep_before_shutdown: Duration::from_secs(7),
        expires_after: Duration::from_hours(24),
        max_commits: u64::MAX,
    };
    assert_eq!(config.guard(), &guard);
    let traces = TraceSettings {
        enabled: true,
        service_name: "flights".to_owned(),
        host: "collector.example".to_owned(),
        port: 4318,
        ratio: 0.25,
    };
    assert_eq!(config.traces(), &traces);
    assert_eq!(config.measures(), MeasureSettings { durations: false, sizes: false });
}

#[test]
fn a_yes_or_no_is_read_in_all_its_spellings_and_in_no_other() {
    let json = |text: &str| complete().from_vars([("ENABLE_JSON_LOGGING", text.to_owned())]);
    for (yes, no) in [("true", "false"), ("1", "0"), ("yes", "no"), ("on", "off"), (" On ", "oFF")] {
        for text in [yes.to_owned(), yes.to_uppercase()] {
            assert!(built(json(&text)).logs().json, "{text}");
        }
        for text in [no.to_owned(), no.to_uppercase()] {
            assert!(!built(complete().log_json(true).from_vars([("ENABLE_JSON_LOGGING", text)])).logs().json);
        }
    }
    for text in ["y", "n", "t", "2", "01", "truely", "nope", "enabled", "true false", ""] {
        let wrong = one(json(text));
        assert_eq!((wrong.kind(), wrong.key()), (WrongKind::Invalid, "log_json"));
        assert!(wrong.to_string().contains("(env ENABLE_JSON_LOGGING)"), "{wrong}");
        for allowed in ["`true`", "`false`", "`yes`", "`no`", "`on`", "`off`", "`1`", "`0`"] {
            assert!(wrong.what_is_allowed().contains(allowed), "{wrong}");
        }
    }
}

#[test]
fn a_guard_that_looks_all_the_time_is_refused() {
    for builder in [
        complete().from_vars([("HEALING_INTERVAL", "0")]),
        complete().from_vars([("HEALING_INTERVAL", "999us")]),
        complete().guard_interval(Duration::ZERO),
    ] {
        let wrong = one(builder);
        assert_eq!(wrong.key(), "guard_interval");
        assert!(wrong.what_is_allowed().contains("1ms to 1day"), "{wrong}");
        assert!(wrong.to_string().contains("too short"), "{wrong}");
    }
    built(complete().guard_interval("1ms"));
}

#[test]
fn a_ratio_is_a_number_from_0_to_1_and_nothing_else() {
    for (text, ratio) in [("0", 0.0), ("1", 1.0), ("1.0", 1.0), (" 1e-3 ", 0.001), (".5", 0.5)] {
        let from_env = built(complete().from_vars([("HEALER_TRACES_RATIO", text)])).traces().ratio;
        let in_code = built(complete().traces_ratio(ratio)).traces().ratio;
        assert!(from_env.total_cmp(&ratio).is_eq() && in_code.total_cmp(&ratio).is_eq(), "{text}");
    }
    for (text, problem) in [
        ("-0.1", "too small"),
        ("1.01", "too large"),
        ("inf", "too large"),
        ("NaN", "it is no number"),
        ("10%", "it is no number"),
        ("", "it is empty"),
    ] {
        let wrong = one(complete().from_vars([("HEALER_TRACES_RATIO", text)]));
        assert_eq!((wrong.kind(), wrong.key()), (WrongKind::Invalid, "traces_ratio"));
        assert!(wrong.to_string().contains(problem), "{wrong}");
        assert!(wrong.what_is_allowed().contains("from 0 to 1"), "{wrong}");
    }
    for part in [-f64::MIN_POSITIVE, 1.0 + f64::EPSILON, f64::INFINITY, f64::NAN] {
        assert_eq!(one(complete().traces_ratio(part)).key(), "traces_ratio");
    }
}

#[test]
fn zero_is_taken_where_it_turns_something_off() {
    let config = built(complete().from_vars([
        ("HEALING_GRACEFUL_OFFSET", "0"),
        ("HEALING_GRACEFUL_POLLING", "0s"),
        ("HEALING_SLEEP_BEFORE_SHUTDOWN", "0"),
        ("HEALING_AUTO_EXPIRED", "0"),
        ("HEALING_MAX_TOTAL_COMMIT", "0"),
    ]));
    let guard = config.guard();
    let times =
        [guard.graceful_offset, guard.graceful_polling, guard.sleep_before_shutdown, guard.expires_after];
    assert_eq!((times, guard.max_commits), ([Duration::ZERO; 4], 0));
}

#[test]
fn in_code_a_duration_needs_its_unit() {
    let wrong = one(complete().graceful_offset("90"));
    assert!(wrong.to_string().contains("unit needed"), "{wrong}");
    one(complete().expires_after(Duration::MAX));
    built(complete().expires_after("100years"));
}

#[test]
fn the_port_of_jaegers_own_protocol_is_taken_as_the_one_of_otlp_with_a_warning() {
    let vars = [("JAEGER_PORT", "6831"), ("JAEGER_PORT", "6831")];
    let config = built(complete().from_vars(vars));
    assert_eq!(config.traces().port, 4317);
    let [warning] = config.warnings() else { panic!("{:?}", config.warnings()) };
    for part in ["JAEGER_PORT", "6831", "4317", "OTLP"] {
        assert!(warning.contains(part), "{warning}");
    }
    assert!(config.print().to_string().contains("otlp_port = 4317  # env JAEGER_PORT"));
    // Our own variable and code mean the port that they say.
    let config = built(complete().from_vars([("HEALER_OTLP_PORT", "6831")]));
    assert_eq!((config.traces().port, config.warnings().len()), (6831, 0));
    let config = built(complete().otlp_port(6831));
    assert_eq!((config.traces().port, config.warnings().len()), (6831, 0));
}

#[test]
fn the_later_call_wins_for_operating_too_also_over_a_wrong_value() {
    let vars = [("HEALING_MAX_TOTAL_COMMIT", "5"), ("LOGLEVEL", "DEBUG")];
    let before = built(complete().max_commits(7).log_level("loud").from_vars(vars));
    assert_eq!((before.guard().max_commits, &*before.logs().level), (5, "DEBUG"));
    let after = built(complete().from_vars(vars).max_commits(7).log_level("warn"));
    assert_eq!((after.guard().max_commits, &*after.logs().level), (7, "WARN"));
    assert!(after.print().to_string().contains("log_level = WARN  # builder"));
    assert_eq!(one(complete().log_level("warn").log_level("loud")).key(), "log_level");
}

#[test]
fn an_unknown_variable_of_healing_is_warned_about_and_those_of_others_are_not() {
    let config = built(complete().from_vars([
        ("HEALING_GRACEFULL_OFFSET", "1"),
        ("HEALER_INTERVAL", "1"),
        ("HEALING_POTION", "1"),
        ("HEALINGS", "1"),
        ("JAEGER_AGENT_HOST", "1"),
        ("LOGLEVELS", "1"),
        ("ENABLE_METRICS", "1"),
    ]));
    let [offset, interval, potion] = config.warnings() else { panic!("{:?}", config.warnings()) };
    assert!(offset.contains("HEALING_GRACEFULL_OFFSET "), "{offset}");
    assert!(offset.contains("did you mean HEALING_GRACEFUL_OFFSET?"), "{offset}");
    assert!(interval.contains("did you mean HEALING_INTERVAL?"), "{interval}");
    assert!(potion.contains("HEALING_POTION ") && !potion.contains("did you mean"), "{potion}");
}

//! Every setting of the table, by each of its ways.

use std::fs;

use super::{built, complete, one, refused};
use crate::config::{
    Config, ConfigBuilder, OutOfRange, Protocol, Source, Start, WrongKind,
    builder::Row,
    settings::{TABLE, Values},
};

/// A setting's name, a call of its setter, the same value as a variable, the value as it is shown, and a wrong one.
type Case = (&'static str, fn(ConfigBuilder) -> ConfigBuilder, &'static str, &'static str, &'static str);

const CASES: [Case; 41] = [
    ("brokers", |it| it.brokers("kafka:1"), "kafka:1", "kafka:1", "kafka:port"),
    ("group", |it| it.group("g"), "g", "g", ""),
    ("protocol", |it| it.protocol(Protocol::Consumer), "Consumer", "consumer", "new"),
    ("start", |it| it.start(Start::Latest), "latest", "latest", "begin"),
    ("out_of_range", |it| it.out_of_range(OutOfRange::Latest), "latest", "latest", "ignore"),
    ("commit_interval", |it| it.commit_interval("250ms"), "250ms", "250ms", "0s"),
    ("in_flight", |it| it.in_flight(64), "64", "64", "-1"),
    ("threads", |it| it.threads(2), "2", "2", "257"),
    ("memory_budget", |it| it.memory_budget(7), "7", "7", "0"),
    ("metadata_max_bytes", |it| it.metadata_max_bytes(0), "0", "0", "1000001"),
    ("stall_after", |it| it.stall_after("2s"), "2s", "2s", "2days"),
    ("unreachable_after", |it| it.unreachable_after("3s"), "3s", "3s", "0s"),
    ("held_back_after", |it| it.held_back_after("1h"), "1h", "1h", "never"),
    ("store_path", |it| it.store_path("/data"), "/data", "/data", ""),
    ("memory_max_len", |it| it.memory_max_len(5), "5", "5", "0"),
    ("memory_max_age", |it| it.memory_max_age("1m"), "60s", "1m", "1 fortnight"),
    ("poll_budget", |it| it.poll_budget("50ms"), "50ms", "50ms", "2h"),
    ("drain_budget", |it| it.drain_budget("0s"), "0", "0s", "x"),
    ("connect_timeout", |it| it.connect_timeout("3s"), "3s", "3s", "0s"),
    ("start_budget", |it| it.start_budget("4s"), "4s", "4s", "2days"),
    ("dead_letter_topic", |it| it.dead_letter_topic("dead"), "dead", "dead", "a b"),
    ("checkpointing", |it| it.checkpointing(false), "off", "false", "maybe"),
    ("log_json", |it| it.log_json(true), "1", "true", "2"),
    ("log_level", |it| it.log_level("debug"), "debug", "DEBUG", "loud"),
    ("log_data", |it| it.log_data(true), "Yes", "true", "-1"),
    ("log_data_max_bytes", |it| it.log_data_max_bytes(80), "80", "80", "0"),
    ("traces", |it| it.traces(true), "TRUE", "true", "jaeger"),
    ("service_name", |it| it.service_name("flights"), "flights", "flights", ""),
    ("otlp_host", |it| it.otlp_host("::1"), "::1", "[::1]", "http://a"),
    ("otlp_port", |it| it.otlp_port(4318), "4318", "4318", "0"),
    ("traces_ratio", |it| it.traces_ratio(0.25), "0.25", "0.25", "1.5"),
    ("guard_on_error", |it| it.guard_on_error(false), "no", "false", "none"),
    ("guard_on_lost_broker", |it| it.guard_on_lost_broker(false), "0", "false", "dask"),
    ("graceful_offset", |it| it.graceful_offset("90s"), "90s", "1m 30s", "-1"),
    ("graceful_polling", |it| it.graceful_polling("0s"), "0", "0s", "soon"),
    ("guard_interval", |it| it.guard_interval("250ms"), "250ms", "250ms", "0s"),
    ("sleep_before_shutdown", |it| it.sleep_before_shutdown("7s"), "7s", "7s", "2days"),
    ("expires_after", |it| it.expires_after("3h"), "3h", "3h", "1 fortnight"),
    ("max_commits", |it| it.max_commits(u64::MAX), "18446744073709551615", "18446744073709551615", "-1"),
    ("measure_durations", |it| it.measure_durations(false), "FALSE", "false", "always"),
    ("measure_sizes", |it| it.measure_sizes(false), "No", "false", "10"),
];

fn row(name: &str) -> &'static Row {
    TABLE.iter().find(|row| row.name == name).unwrap()
}

fn lines(config: &Config) -> Vec<String> {
    config.print().to_string().lines().map(str::to_owned).collect()
}

/// Asserts that this setting alone differs from the defaults, and names its source.
fn holds_alone(config: &Config, name: &str, shown: &str, source: &str) {
    let (lines, defaults) = (lines(config), lines(&built(complete())));
    let properties = |line: &&String| row_of(line).is_some();
    for (line, default) in lines.iter().filter(properties).zip(defaults.iter().filter(properties)) {
        if row_of(line) == Some(name) {
            assert_eq!(*line, format!("{name} = {shown}  # {source}"));
            assert_ne!(line, default);
        } else {
            assert_eq!(line, default, "beside {name}");
        }
    }
    assert!(lines.iter().any(|line| row_of(line) == Some(name)), "{name} is not printed");
}

/// The setting that a line of the print is about.
fn row_of(line: &str) -> Option<&'static str> {
    let (name, _) = line.split_once(" = ")?;
    TABLE.iter().map(|row| row.name).find(|row| *row == name)
}

#[test]
fn every_setting_has_a_case_here() {
    assert_eq!(CASES.map(|(name, ..)| name).to_vec(), TABLE.iter().map(|row| row.name).collect::<Vec<_>>());
}

#[test]
fn every_setting_is_set_by_its_setter_and_the_print_says_so() {
    for (name, set, _, shown, _) in CASES {
        holds_alone(&built(set(complete())), name, shown, "builder");
    }
}

#[test]
fn every_setting_is_set_by_each_of_its_variables_and_the_print_names_the_variable() {
    for (name, _, text, shown, _) in CASES {
        for variable in row(name).variables() {
            let config = built(complete().from_vars([(variable, text)]));
            assert!(config.warnings().is_empty(), "{:?}", config.warnings());
            holds_alone(&config, name, shown, &format!("env {variable}"));
        }
    }
}

#[test]
fn a_variable_is_healer_and_the_settings_name_and_no_two_settings_share_one() {
    let mut all: Vec<_> = TABLE.iter().flat_map(Row::variables).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    for row in TABLE {
        assert_eq!(row.env, format!("HEALER_{}", row.name.to_ascii_uppercase()));
    }
}

#[test]
fn every_wrong_variable_is_named_at_once_with_what_is_allowed_in_the_order_of_the_table() {
    let vars = CASES.map(|(name, .., wrong)| (row(name).env, wrong));
    let error = refused(Config::builder().from_vars(vars));
    assert_eq!(error.wrong().len(), TABLE.len(), "{error}");
    for ((name, .., text), wrong) in CASES.into_iter().zip(error.wrong()) {
        assert_eq!((wrong.key(), wrong.value()), (name, Some(text)));
        assert_eq!(wrong.source(), &Source::Env(row(name).env.to_owned()));
        assert_eq!(wrong.what_is_allowed(), (row(name).allowed)());
        assert!(error.to_string().contains(&wrong.to_string()), "{error}");
    }
}

#[test]
fn both_names_of_a_variable_may_be_set_to_the_same_value() {
    for (name, _, text, shown, _) in CASES {
        let row = row(name);
        let config = built(complete().from_vars(row.variables().map(|variable| (variable, text))));
        holds_alone(&config, name, shown, &format!("env {}", row.env));
    }
    // The values are compared, not the texts.
    let vars = [("HEALING_INTERVAL", "90"), ("HEALER_GUARD_INTERVAL", "1m 30s")];
    holds_alone(&built(complete().from_vars(vars)), "guard_interval", "1m 30s", "env HEALER_GUARD_INTERVAL");
}

#[test]
fn two_names_of_a_variable_with_two_values_are_an_error_that_names_both() {
    for (name, _, text, ..) in CASES {
        let default = (row(name).show)(&Values::default());
        for other in row(name).also {
            let default = if default == "(in memory)" { "memory" } else { &default };
            for vars in
                [[(row(name).env, text), (*other, default)], [(*other, text), (row(name).env, default)]]
            {
                let wrong = one(complete().from_vars(vars));
                assert_eq!((wrong.kind(), wrong.key()), (WrongKind::Conflict, name));
                let said = wrong.to_string();
                assert!(said.contains(row(name).env) && said.contains(other), "{said}");
            }
        }
    }
}

#[test]
fn of_two_names_of_a_variable_each_wrong_one_is_named() {
    let vars = [("HEALING_INTERVAL", "often"), ("HEALER_GUARD_INTERVAL", "90")];
    let error = refused(complete().from_vars(vars));
    let said = error.to_string();
    assert_eq!(error.wrong().len(), 2, "{said}");
    assert!(
        said.contains("(env HEALING_INTERVAL)") && said.contains("(env HEALER_GUARD_INTERVAL)"),
        "{said}"
    );
    assert!(said.contains("unit needed"), "{said}");
    // One that is right does not hide it.
    let vars = [("HEALING_INTERVAL", "often"), ("HEALER_GUARD_INTERVAL", "5s")];
    assert_eq!(one(complete().from_vars(vars)).value(), Some("often"));
}

#[test]
fn a_number_without_a_unit_is_seconds_in_the_originals_variables_and_refused_in_ours() {
    let mut durations = 0;
    for row in TABLE {
        let wrong = complete().from_vars([(row.env, "61")]).build().err();
        let is_duration = wrong.is_some_and(|error| error.to_string().contains("unit needed"));
        durations += usize::from(is_duration);
        for original in row.also.iter().filter(|_| is_duration) {
            holds_alone(
                &built(complete().from_vars([(original, "61")])),
                row.name,
                "1m 1s",
                &format!("env {original}"),
            );
        }
    }
    assert_eq!(durations, 14, "settings that are durations");
}

/// The table of `docs/settings.md`.
fn documented() -> String {
    let head = [
        "| setting | default | allowed | variables | in code | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ];
    let lines: Vec<_> = head.map(str::to_owned).into_iter().chain(TABLE.iter().map(line)).collect();
    lines.join("\n") + "\n"
}

fn line(row: &Row) -> String {
    let default = (row.show)(&Values::default());
    let default = if default.is_empty() { "(required)" } else { &default };
    let allowed = (row.allowed)();
    let allowed = allowed.split(", such as").next().unwrap_or_default();
    let variables: Vec<_> = row.variables().map(|name| format!("`{name}`")).collect();
    let about = row.about.trim();
    let sentence = about.split_once(". ").map_or(about, |(first, _)| first).trim_end_matches('.');
    format!(
        "| `{}` | {default} | {allowed} | {} | `{}` | {sentence} |",
        row.name,
        variables.join(", "),
        row.getter
    )
}

#[test]
fn the_docs_have_the_table_as_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
    let docs = fs::read_to_string(path).unwrap();
    let written: String = docs.split_inclusive('\n').filter(|line| line.starts_with('|')).collect();
    assert!(written == documented(), "docs/settings.md needs this table:\n\n{}", documented());
}

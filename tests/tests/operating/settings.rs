//! Settings from the environment, as a program prints them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Command, Output};

use healer_tests::programs;

/// Variable, the setting's name, its default, a value, and the text that is printed for that value.
const ALL: [(&str, &str, &str, &str, &str); 18] = [
    ("ENABLE_CHECKPOINTING", "checkpointing", "true", "No", "false"),
    ("ENABLE_EMIT_LOGGING", "log_data", "false", "YES", "true"),
    ("ENABLE_JSON_LOGGING", "log_json", "false", "1", "true"),
    ("LOGLEVEL", "log_level", "WARN", "DEBUG", "DEBUG"),
    ("ENABLE_OPENTELEMETRY_JAEGER", "traces", "false", "on", "true"),
    ("OPENTELEMETRY_SERVICE_NAME", "service_name", "healer", "flights-east", "flights-east"),
    ("JAEGER_HOSTNAME", "otlp_host", "localhost", "collector", "collector"),
    ("JAEGER_PORT", "otlp_port", "4317", "4444", "4444"),
    ("HEALING_GOT_ERROR", "guard_on_error", "true", "false", "false"),
    ("HEALING_GOT_DASK", "guard_on_lost_broker", "true", "0", "false"),
    ("HEALING_GRACEFUL_OFFSET", "graceful_offset", "1h", "61", "1m 1s"),
    ("HEALING_GRACEFUL_POLLING", "graceful_polling", "30m", "62s", "1m 2s"),
    ("HEALING_INTERVAL", "guard_interval", "5s", "63", "1m 3s"),
    ("HEALING_SLEEP_BEFORE_SHUTDOWN", "sleep_before_shutdown", "2s", "0", "0s"),
    ("HEALING_AUTO_EXPIRED", "expires_after", "0s", "64", "1m 4s"),
    ("HEALING_MAX_TOTAL_COMMIT", "max_commits", "0", "65", "65"),
    ("MAXLEN_MEMORY", "memory_max_len", "10000000", "66", "66"),
    ("MAXAGE_MEMORY", "memory_max_age", "1h", "67", "1m 7s"),
];

const FLAGS: [(&str, &str); 2] =
    [("HEALING_GOT_ERROR", "guard_on_error"), ("ENABLE_JSON_LOGGING", "log_json")];

fn flights(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(programs::flights().unwrap());
    command.args(["--brokers", "127.0.0.1:1"]).args(arguments).env_clear();
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Value and source of each setting.
fn printed(variables: &[(&str, &str)]) -> BTreeMap<String, (String, String)> {
    let output = flights(&["--print-config"], variables);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| {
        let (name, rest) = line.split_once(" = ").expect(line);
        let (value, source) = rest.split_once("  # ").expect(line);
        (name.to_owned(), (value.to_owned(), source.to_owned()))
    });
    lines.collect()
}

#[test]
fn each_of_the_18_variables_is_printed_with_its_source() {
    let (by_default, set) = (printed(&[]), printed(&ALL.map(|(name, _, _, given, _)| (name, given))));
    for (variable, setting, default, _, shown) in ALL {
        // The program itself wants its log to say less.
        let source = if variable == "LOGLEVEL" { "builder" } else { "default" };
        assert_eq!(by_default.get(setting), Some(&(default.to_owned(), source.to_owned())), "{variable}");
        assert_eq!(set.get(setting), Some(&(shown.to_owned(), format!("env {variable}"))), "{variable}");
    }
    let old = printed(&[("JAEGER_PORT", "6831")]);
    assert_eq!(old["otlp_port"], ("4317".to_owned(), "env JAEGER_PORT".to_owned()));
}

#[test]
fn two_names_of_a_variable_agree_or_end_the_program_with_both_names() {
    let printed = printed(&[("HEALING_INTERVAL", "90"), ("HEALER_GUARD_INTERVAL", "1m 30s")]);
    assert_eq!(printed["guard_interval"], ("1m 30s".to_owned(), "env HEALER_GUARD_INTERVAL".to_owned()));
    let output =
        flights(&["--print-config"], &[("HEALING_INTERVAL", "90"), ("HEALER_GUARD_INTERVAL", "91s")]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("HEALING_INTERVAL") && said.contains("HEALER_GUARD_INTERVAL"), "{said}");
    assert!(said.contains("1m 30s") && said.contains("1m 31s"), "{said}");
}

#[test]
fn a_boolean_is_one_of_eight_words_and_else_an_error_that_names_the_variable() {
    for (word, means) in [
        ("true", true),
        ("1", true),
        ("Yes", true),
        ("ON", true),
        ("FALSE", false),
        ("0", false),
        ("no", false),
        ("off", false),
    ] {
        let printed = printed(&FLAGS.map(|(variable, _)| (variable, word)));
        for (variable, setting) in FLAGS {
            assert_eq!(printed[setting], (means.to_string(), format!("env {variable}")), "{word}");
        }
    }
    for (variable, _) in FLAGS {
        let output = flights(&["--print-config"], &[(variable, "perhaps")]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(variable) && said.contains("perhaps"), "{said}");
    }
}

#[test]
fn a_port_that_somebody_has_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = flights(&["--metrics-port", &port], &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("in use"), "{said}");
}

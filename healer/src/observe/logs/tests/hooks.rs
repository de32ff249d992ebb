//! Data of records, hooks, and faults that could harm the code that logs.

use std::io::{self, Write};

use serde_json::{Value, json};
use tracing::subscriber::with_default;
use tracing_subscriber::{layer::SubscriberExt as _, registry};

use super::{Panics, Written, lines, read};
use crate::observe::{self, data, logs::LogLayer};

fn hide_card(what: &str, value: &mut Value) {
    match what {
        "shop.pay" => value["card"] = json!("hidden"),
        "card" => *value = Value::Null,
        _ => {}
    }
}

// All in one: the setting is the process's.
#[test]
fn data_is_written_as_data_and_what_is_too_long_as_text() {
    assert!(!observe::logs_data());
    let lines = lines(|| {
        observe::log_data(20, None);
        assert!(observe::logs_data());
        observe::emitted("shop.pour#2", b"{\"cups\":\n[1,0.10]}");
        observe::emitted("shop.pour", br#"{"name":"a long text"}"#);
        observe::log_data(100, Some(hide_card));
        // Settings that are read later leave the hook as it is.
        data::switch_on(200);
        observe::emitted("shop.pay", br#"{"card":"4111"}"#);
        observe::log_data(0, None);
        observe::emitted("shop.pay", br#"{"card":"4111"}"#);
    });
    assert!(!observe::logs_data());
    let told = |line: &Value| (line["logger"].clone(), line["level"].clone(), line["stage"].clone());
    assert_eq!(told(&lines[0]), (json!("healer::emit"), json!("INFO"), json!("shop.pour#2")));
    assert_eq!(lines[0]["msg"], json!({"function_name": "pour", "data": {"cups": [1, 0.1]}}));
    let cut = json!({"function_name": "pour", "data": r#"{"name":"a long text"#});
    assert_eq!((&lines[1]["msg"], &lines[1]["fields"]), (&cut, &json!({"cut": true})));
    assert_eq!(lines[2]["msg"], json!({"function_name": "pay", "data": {"card": "hidden"}}));
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_hook_may_blank_what_a_line_says() {
    let output = Written::default();
    let layer = LogLayer::json(output.clone()).redact(hide_card);
    with_default(registry().with(layer), || tracing::info!(card = "4111", cups = 3, "paid"));
    let lines = read(&output.text());
    assert_eq!((&lines[0]["fields"], &lines[0]["msg"]), (&json!({"card": null, "cups": 3}), &json!("paid")));
}

/// A disk that is full, or worse.
struct Full {
    panics: bool,
}

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        assert!(!self.panics, "on purpose");
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_error_and_no_panic_reaches_the_code_that_logs() {
    for panics in [false, true] {
        let layer = LogLayer::json(move || Full { panics });
        with_default(registry().with(layer), || tracing::info!("tea"));
    }
    let lines = lines(|| {
        let _span = tracing::info_span!("span", cups = ?Panics).entered();
        tracing::info!(cups = ?Panics, "tea");
        tracing::info!("more tea");
    });
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["msg"], "more tea");
}

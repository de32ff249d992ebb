//! A run without measures, and with the data of records in its log.

use std::sync::OnceLock;

use healer_tests::kafka::RealKafka;
use serde_json::{Value, json};

use super::child::Running;
use super::http::Page;
use super::lines::{Line, emit_id, place, that_say};
use super::orders::{CARD, HIDDEN, Kind};
use super::shop::{Shop, record};
use super::whole::SECRET;

/// How many bytes of a value are shown.
const SHOWN: usize = 60;

struct Bare {
    page: Page,
    lines: Vec<Line>,
}

/// Every other order has more to say than is shown.
fn note(offset: i64) -> String {
    let more = if offset % 2 == 1 { "x".repeat(SHOWN) } else { String::new() };
    format!("{SECRET}{offset}{more}")
}

impl Bare {
    const ORDERS: i64 = 8;

    fn seen() -> Option<&'static Self> {
        static SEEN: OnceLock<Option<Bare>> = OnceLock::new();
        RealKafka::for_test()?;
        SEEN.get_or_init(Self::run).as_ref()
    }

    fn run() -> Option<Self> {
        let shop = Shop::open(1)?;
        let all = (0..Self::ORDERS).map(|offset| record(0, Kind::Good, &note(offset)));
        shop.kafka.produce(&shop.orders, all).unwrap();
        let variables = [
            ("HEALER_MEASURE_DURATIONS", "0"),
            ("HEALER_MEASURE_SIZES", "0"),
            ("ENABLE_EMIT_LOGGING", "1"),
            ("HEALER_LOG_DATA_MAX_BYTES", &SHOWN.to_string()),
        ];
        let mut program = Running::guarded(&shop, &variables);
        let page = program.until_done(Self::ORDERS);
        let ended = program.stop();
        assert_eq!(ended.status.code(), Some(0));
        Some(Self { page, lines: ended.lines })
    }
}

#[test]
fn measures_that_are_switched_off_are_not_taken_and_all_is_counted_still() {
    let Some(Bare { page, .. }) = Bare::seen() else { return };
    for name in ["duration_seconds", "input_bytes", "output_bytes"] {
        assert_eq!(page.count(&format!("healer_stage_{name}_count"), &[]), 0, "{name}");
    }
    let charge = [("stage", "charge"), ("path", "orders.validate.charge")];
    assert_eq!(page.count("healer_stage_records_out_total", &charge), Bare::ORDERS);
}

#[test]
fn data_that_was_asked_for_is_shown_as_it_is_or_cut() {
    let Some(Bare { lines, .. }) = Bare::seen() else { return };
    let (data, rest): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["logger"] == "healer::emit");
    assert!(!rest.iter().any(|line| line.to_string().contains(SECRET)), "it is shown there alone");
    assert!(
        !lines.iter().any(|line| line.to_string().contains(CARD)),
        "the hook of the program takes it out"
    );
    for (function, stage) in [
        ("validate", "orders.validate"),
        ("charge", "orders.validate.charge"),
        ("weigh", "orders.validate.charge.weigh"),
    ] {
        let of_stage: Vec<_> = data.iter().filter(|line| line["stage"] == stage).collect();
        assert_eq!(i64::try_from(of_stage.len()), Ok(Bare::ORDERS), "{stage}");
        for line in of_stage {
            let (_, offset) = place(line);
            let whole = json!({ "kind": "good", "note": note(offset), "card": HIDDEN });
            let is_cut = line.get("fields").is_some_and(|fields| fields["cut"] == true);
            assert_eq!(is_cut, offset % 2 == 1, "{line}");
            assert_eq!(line["msg"]["function_name"], function, "{line}");
            match &line["msg"]["data"] {
                Value::String(text) if is_cut => {
                    assert_eq!(text.len(), SHOWN, "{line}");
                    assert!(text.contains(&format!("{SECRET}{offset}")), "{line}");
                }
                data => assert_eq!(*data, whole, "{line}"),
            }
            let validated = that_say(lines, "validated");
            let of_order = validated.into_iter().find(|line| place(line).1 == offset).expect("it is said");
            assert_eq!(emit_id(line), emit_id(of_order));
        }
    }
}

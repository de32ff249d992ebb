//! Each line tells which record, or which batch, it is about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::lines::{Line, emit_id, place, that_begin, that_say};
use super::orders::{BROKEN, CARD, Kind};
use super::whole::{EACH, PANICS, PARTITIONS, SECRET, Whole, kind};

type Ids = BTreeMap<(i64, i64), String>;

/// The emit id of each order that a message was said of.
fn ids(lines: &[&Line]) -> Ids {
    let mut ids = Ids::new();
    for line in lines {
        let id = ids.entry(place(line)).or_insert_with(|| emit_id(line).to_owned());
        assert_eq!(id, emit_id(line), "an order has one emit id: {line}");
    }
    ids
}

/// How often each order is spoken of.
fn times(lines: &[&Line]) -> BTreeMap<(i64, i64), usize> {
    let mut times = BTreeMap::new();
    for line in lines {
        *times.entry(place(line)).or_default() += 1;
    }
    times
}

/// How often a line is expected of each order, by partition and offset. Orders without one are left out.
fn expected(times: impl Fn(Kind) -> usize) -> BTreeMap<(i64, i64), usize> {
    let all = (0..PARTITIONS).flat_map(|partition| (0..EACH).map(move |offset| (partition, offset)));
    let all = all.map(|(partition, offset)| ((i64::from(partition), offset), times(kind(partition, offset))));
    all.filter(|(_, times)| *times > 0).collect()
}

fn attempts(kind: Kind) -> usize {
    match kind {
        Kind::Blank => 0,
        Kind::Twice | Kind::Bad => 3,
        Kind::Good | Kind::Panics | Kind::Waits => 1,
    }
}

#[test]
fn what_stages_say_themselves_tells_the_order_and_the_stage() {
    let Some(whole) = Whole::seen() else { return };
    let ids = |msg| {
        let said = that_say(&whole.lines, msg);
        (times(&said), ids(&said), said)
    };
    let (_, of_orders, _) = ids("validated");
    assert_eq!(of_orders.values().collect::<BTreeSet<_>>().len(), of_orders.len(), "each has its own");
    for (msg, stage, function, wanted) in [
        ("validated", "orders.validate", "validate", expected(|_| 1)),
        ("validated, by log", "orders.validate", "validate", expected(|_| 1)),
        ("charging", "orders.validate.charge", "charge", expected(attempts)),
        ("charging, by log", "orders.validate.charge", "charge", expected(attempts)),
    ] {
        let (times, ids, said) = ids(msg);
        assert_eq!(times, wanted, "{msg}");
        assert!(ids.iter().all(|(place, id)| of_orders[place] == *id), "{msg}: as in the stage before");
        for line in said {
            assert_eq!(line["topic"], *whole.shop.orders, "{line}");
            assert_eq!((&line["stage"], &line["function_name"]), (&json!(stage), &json!(function)), "{line}");
            assert_eq!(line["level"], "INFO", "{line}");
            assert_eq!(line["logger"], "operating::orders", "{line}");
            assert!(line["line_no"].is_u64() && line.get("exc_info").is_none(), "{line}");
            let by_log = msg.ends_with("by log");
            let expected = line.get("fields").map(|fields| &fields["expected"]);
            assert_eq!(
                expected,
                (!by_log).then_some(&line["emit_id"]),
                "what the stage itself was told: {line}"
            );
        }
    }
}

#[test]
fn a_batch_has_an_emit_id_of_its_own_and_names_its_members() {
    let Some(whole) = Whole::seen() else { return };
    let orders: BTreeSet<_> =
        that_say(&whole.lines, "validated").into_iter().map(|line| emit_id(line).to_owned()).collect();
    let saved = that_say(&whole.lines, "saved");
    let batches: BTreeSet<_> = saved.iter().map(|line| emit_id(line).to_owned()).collect();
    assert!(batches.len() == saved.len() && batches.is_disjoint(&orders));
    let by_log: BTreeSet<_> =
        that_say(&whole.lines, "saved, by log").into_iter().map(|line| emit_id(line).to_owned()).collect();
    assert_eq!(by_log, batches);
    let beginnings = that_say(&whole.lines, "a batch begins");
    let mut members = BTreeSet::new();
    for line in saved {
        assert_eq!(line["stage"], "orders.validate.charge.weigh.batch.save", "{line}");
        assert_eq!((&line["topic"], &line["function_name"]), (&json!(whole.shop.orders), &json!("save")));
        let told =
            beginnings.iter().find(|told| emit_id(told) == emit_id(line)).expect("its members are told");
        assert_eq!((place(told), &told["level"]), (place(line), &json!("DEBUG")));
        let members_told = told["fields"]["members"].as_str().expect("a list");
        let of_batch: Vec<_> = orders.iter().filter(|id| members_told.contains(*id)).cloned().collect();
        assert_eq!(json!(of_batch.len()), line["fields"]["rows"], "{members_told}");
        members.extend(of_batch);
    }
    let healed: usize = expected(|kind| usize::from(matches!(kind, Kind::Good | Kind::Twice))).len();
    assert_eq!(members.len(), healed, "each order is in one batch");
}

#[test]
fn an_error_is_told_with_its_causes_and_nothing_else_is_an_error() {
    let Some(whole) = Whole::seen() else { return };
    let error = json!("the order was not charged\nthe bank refuses");
    let refused = that_say(&whole.lines, "refused");
    assert_eq!(
        times(&refused),
        expected(|kind| match kind {
            Kind::Twice => 2,
            Kind::Bad => 3,
            _ => 0,
        })
    );
    assert!(refused.iter().all(|line| (&line["exc_info"], &line["level"]) == (&error, &json!("WARNING"))));
    let again = that_begin(&whole.lines, "an attempt failed");
    assert_eq!(times(&again), expected(|kind| if attempts(kind) == 3 { 2 } else { 0 }));
    for line in again {
        let said = line["exc_info"].as_str();
        assert!(said.is_some_and(|said| said.starts_with("the order was not charged")), "{line}");
    }

    let skipped = that_say(&whole.lines, "skipped a record that failed");
    let [skipped] = skipped[..] else { panic!("one order is skipped: {skipped:?}") };
    assert_eq!(place(skipped), (i64::from(PANICS.0), PANICS.1));
    assert_eq!(
        (&skipped["level"], &skipped["stage"]),
        (&json!("WARNING"), &json!("orders.validate.charge.weigh"))
    );
    assert!(skipped["exc_info"].as_str().is_some_and(|said| said.contains(BROKEN)), "{skipped}");
    // A panic is a line as well.
    let panics: Vec<_> = whole
        .lines
        .iter()
        .filter(|line| line["msg"].as_str().is_some_and(|said| said.contains(BROKEN)))
        .collect();
    let [panic] = panics[..] else { panic!("one panic is logged: {panics:?}") };
    assert_eq!((place(panic), emit_id(panic)), (place(skipped), emit_id(skipped)));

    let wrong = whole.lines.iter().filter(|line| {
        let is_calm = line["level"] == "INFO" || line["level"] == "DEBUG";
        line.get("exc_info").is_some() && is_calm && !line["msg"].as_str().unwrap_or("").contains("attempt")
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&Value>::new());
}

#[test]
fn no_line_shows_the_data_of_a_record_unasked() {
    let Some(whole) = Whole::seen() else { return };
    let shown: Vec<_> = whole
        .lines
        .iter()
        .filter(|line| [SECRET, CARD].iter().any(|data| line.to_string().contains(data)))
        .collect();
    assert_eq!(shown, Vec::<&Line>::new());
    assert!(
        whole.lines.iter().any(|line| line["level"] == "DEBUG"),
        "the engine says all that it has to say"
    );
}

//! The files for operators (`docs/operations.md`, the dashboard, the alerts) name the metrics that a running pipeline exports,
//! and no others.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{LIMIT, settings};
use healer::BoxError;
use healer::prelude::*;
use healer::reports::FailureReport;
use healer::testing::EmbeddedKafka;
use healer_tests::{report_not_run, workspace};
use serde_json::Value;

const DOCS: &str = "docs/operations.md";
const DASHBOARD: &str = "docs/operations/grafana.json";
const ALERTS: &str = "docs/operations/alerts.yml";

/// How long nothing new must have shown up.
const SETTLED: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
#[error("{0} was refused")]
struct Refused(String);

#[stage(skip = "blank")]
fn not_blank(line: String) -> Option<String> {
    (line != "blank").then_some(line)
}

#[stage(
    parallel = 2,
    retry(2, backoff = "1ms"),
    circuit_breaker(2, pause = "1ms"),
    on_error = dead_letter("dead")
)]
async fn charge(line: String) -> Result<String, Refused> {
    if line == "bad" { Err(Refused(line)) } else { Ok(line) }
}

/// How a metric is exported, or documented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// The recorder of a process is one for all of its tests, and so is the pipeline that is looked at.
static EXPORTED: LazyLock<BTreeMap<String, Metric>> = LazyLock::new(export);

fn exported_names() -> BTreeSet<String> {
    EXPORTED.keys().cloned().collect()
}

/// Runs a pipeline in which records are healed, skipped, tried again and put aside; gives the metrics that it exports.
fn export() -> BTreeMap<String, Metric> {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let kafka = EmbeddedKafka::start().expect("the mock starts");
    for topic in ["orders", "charged", "dead"] {
        kafka.create_topic(topic, 1).expect("a topic");
    }
    // The recorder comes before the pipeline: counts without a recorder are lost.
    let server = runtime.block_on(healer::observe::serve_metrics("127.0.0.1:0"));
    let server = server.expect("there is a free port");

    let app = pipeline! {
        name "payments";
        orders = kafka::text("orders") => not_blank => charge;
        orders => kafka::to_text("charged") => heal;
    };
    let app = app.report_failures(|_: &FailureReport| -> Result<(), BoxError> { Ok(()) });
    let config = settings(kafka.brokers(), "group").build().expect("the settings are right");
    let handle = runtime.block_on(app.start(config)).expect("it starts");
    let exported = until_settled(&kafka, server.addr());
    handle.stop();
    let report = runtime.block_on(handle.join()).expect("it ends well");
    assert!(
        report.healed > 0 && report.dead_lettered > 0 && report.skipped.contains_key("blank"),
        "{report:?}"
    );
    exported
}

/// Produces and scrapes until nothing new shows up.
fn until_settled(kafka: &EmbeddedKafka, address: SocketAddr) -> BTreeMap<String, Metric> {
    let end = Instant::now() + LIMIT;
    let (mut known, mut since) = (BTreeMap::new(), Instant::now());
    // The ends of logs are looked up after a while; until then nobody knows a lag.
    let is_whole = |known: &BTreeMap<String, Metric>| known.contains_key("healer_partition_lag_records");
    while Instant::now() < end && (!is_whole(&known) || since.elapsed() < SETTLED) {
        kafka.produce("orders", ["good", "blank", "bad", "bad"]).expect("all are acknowledged");
        std::thread::sleep(Duration::from_millis(100));
        let now = metrics_of(&scrape(address));
        if now != known {
            (known, since) = (now, Instant::now());
        }
    }
    known
}

fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    let question = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(question).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and hangs up");
    let (head, page) = answer.split_once("\r\n\r\n").expect("a head and a page");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    page.to_owned()
}

/// The metrics of healer that have a sample on a page.
fn metrics_of(page: &str) -> BTreeMap<String, Metric> {
    let kinds = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let kinds: BTreeMap<_, _> = kinds.collect();
    let mut metrics = BTreeMap::<String, Metric>::new();
    for (name, labels) in page.lines().filter(|line| line.starts_with("healer_")).flat_map(mentions) {
        let metric = metrics.entry(name.clone()).or_default();
        kinds.get(name.as_str()).copied().unwrap_or("untyped").clone_into(&mut metric.kind);
        metric.labels.extend(labels.into_iter().filter(|label| label != "le"));
    }
    metrics
}

/// The metrics that a text names, each with the labels in the braces behind it.
fn mentions(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let mention = |(at, _): (usize, &str)| {
        let rest = &text[at..];
        let (name, behind) = rest.split_at(rest.find(|c: char| !of_a_name(c)).unwrap_or(rest.len()));
        let braces = behind.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        (base(name).to_owned(), braces.map(|(inside, _)| label_names(inside)).unwrap_or_default())
    };
    text.match_indices("healer_").map(mention).collect()
}

fn of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A histogram is exported as three series.
fn base(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(*part)).unwrap_or(name)
}

/// `a` and `b` of `a="1", b=~"2"`.
fn label_names(inside: &str) -> BTreeSet<String> {
    let pairs = inside.split("\",").map(str::trim_start);
    let names = pairs.filter_map(|pair| pair.split(|c: char| !of_a_name(c)).next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    let path = workspace().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).expect("the dashboard is JSON")
}

fn strings<'v>(value: &'v Value, all: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => all.push(text),
        Value::Array(list) => list.iter().for_each(|value| strings(value, all)),
        Value::Object(map) => map.values().for_each(|value| strings(value, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The names in a text, all of which must be exported, with the labels that are asked for.
fn names_that_are_exported(whose: &str, text: &str) -> BTreeSet<String> {
    let mentions = mentions(text);
    let is_exported = |name: &str, labels: &BTreeSet<String>| {
        EXPORTED.get(name).is_some_and(|metric| labels.is_subset(&metric.labels))
    };
    let wrong: Vec<_> = mentions.iter().filter(|(name, labels)| !is_exported(name, labels)).collect();
    assert!(wrong.is_empty(), "{whose} names what no pipeline exports: {wrong:?}");
    mentions.into_iter().map(|(name, _)| name).collect()
}

/// The rows of the docs' tables of metrics: `` | `name` | type | labels | … ``.
fn documented() -> BTreeMap<String, Metric> {
    let docs = read(DOCS);
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", name, kind, labels, ..] = cells[..] else { return None };
        let name = name.strip_prefix('`')?.strip_suffix('`')?;
        let labels = labels.split(", ").map(str::to_owned).collect();
        name.starts_with("healer_").then(|| (name.to_owned(), Metric { kind: kind.to_owned(), labels }))
    };
    docs.lines().filter_map(row).collect()
}

#[test]
fn the_dashboard_names_metrics_that_a_pipeline_exports() {
    let dashboard = dashboard();
    let mut all = Vec::new();
    strings(&dashboard, &mut all);
    let named = names_that_are_exported(DASHBOARD, &all.join("\n"));
    assert!(!named.is_empty());
}

#[test]
fn the_alerts_name_metrics_that_a_pipeline_exports() {
    let named = names_that_are_exported(ALERTS, &read(ALERTS));
    assert!(!named.is_empty());
}

#[test]
fn the_docs_tell_of_every_metric_with_its_type_and_labels_and_of_no_other() {
    names_that_are_exported(DOCS, &read(DOCS));
    let documented = documented();
    let exported = exported_names();
    let missing: Vec<_> = exported.iter().filter(|name| !documented.contains_key(*name)).collect();
    assert!(missing.is_empty(), "no table of {DOCS} has {missing:?}");
    for (name, metric) in &documented {
        assert_eq!(Some(metric), EXPORTED.get(name), "{name}: documented, and exported");
    }
}

#[test]
fn every_alert_waits_is_graded_and_says_what_to_do() {
    let (alerts, docs) = (read(ALERTS), read(DOCS));
    let rules: Vec<_> = alerts.split("- alert: ").skip(1).collect();
    assert!(!rules.is_empty());
    for rule in rules {
        let name = rule.lines().next().unwrap_or_default().trim();
        for key in ["expr:", "for:", "severity:", "summary:", "description:"] {
            assert!(rule.lines().any(|line| line.trim_start().starts_with(key)), "{name} has no `{key}`");
        }
        assert!(docs.contains(&format!("`{name}`")), "{DOCS} does not tell of {name}");
    }
}

#[test]
fn every_panel_has_a_place_of_its_own_and_says_what_to_do() {
    let dashboard = dashboard();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title} has the id of another");
        let side = |name: &str| panel["gridPos"][name].as_u64().expect("a number");
        let (left, top, width, height) = (side("x"), side("y"), side("w"), side("h"));
        assert!(left + width <= 24, "{title} is wider than the page");
        for cell in (left..left + width).flat_map(|x| (top..top + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{title} lies over another");
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 50), "{title} says too little");
        assert!(panel["fieldConfig"]["defaults"].is_object() && panel["options"].is_object(), "{title}");
        let targets = panel["targets"].as_array().expect("targets");
        let letters: BTreeSet<_> = targets.iter().filter_map(|target| target["refId"].as_str()).collect();
        assert!(!targets.is_empty() && letters.len() == targets.len(), "{title}: a letter for each query");
    }
}

#[test]
fn promtool_finds_nothing_wrong_with_the_alerts() {
    let rules = workspace().join(ALERTS);
    let checked = match Command::new("promtool").args(["check", "rules"]).arg(rules).output() {
        Ok(checked) => checked,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            report_not_run("there is no promtool on the PATH");
            return;
        }
        Err(error) => panic!("promtool does not start: {error}"),
    };
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&said));
}

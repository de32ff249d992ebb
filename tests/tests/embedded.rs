//! Whole pipelines on the embedded broker.

use std::time::Duration;

use healer::{Config, Error, Phase, RecordErrorKind, prelude::*, testing::EmbeddedKafka};

fn config(kafka: &EmbeddedKafka, group: &str) -> Config {
    Config::builder()
        .brokers(kafka.brokers())
        .group(group)
        .protocol(healer::Protocol::Consumer)
        .build()
        .expect("the settings are right")
}

fn with_lines(topic: &str, count: usize) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().expect("the mock starts");
    kafka.create_topic(topic, 4).expect("a topic");
    let lines = (0..count).map(|n| (Some(format!("k{n}")), Some(format!("line {n}"))));
    kafka.produce(topic, lines).expect("all are acknowledged");
    kafka
}

#[tokio::test]
async fn a_synchronous_chain_heals_all_and_commits_the_end() {
    let kafka = with_lines("lines", 1_000);
    let chain = kafka::text("lines")
        .stream("lines")
        .map(|line: String| line.len())
        .filter(|length| *length != 6)
        .reason("short")
        .heal();
    let app = App::new("count").chain(chain);
    let report = app.run_until_end(config(&kafka, "g")).await.expect("it heals");
    assert_eq!(report.records, 1_000);
    assert_eq!(report.skipped.get("short"), Some(&10));
    assert_eq!(report.lag, Some(0));
    let ends = kafka.end_offsets("lines").expect("ends");
    assert_eq!(kafka.committed("g", "lines").expect("commits"), ends);
}

#[tokio::test]
async fn a_sink_heals_after_the_acknowledgement_and_keeps_key_and_value() {
    let kafka = with_lines("lines", 500);
    kafka.create_topic("loud", 2).expect("a topic");
    let chain = kafka::text("lines")
        .stream("lines")
        .map(|line: String| line.to_uppercase())
        .then(kafka::to_text("loud"))
        .heal();
    let report = App::new("shout").chain(chain).run_until_end(config(&kafka, "g")).await.expect("it heals");
    assert_eq!((report.records, report.healed, report.lag), (500, 500, Some(0)));
    let loud = kafka.records("loud").expect("records");
    assert_eq!(loud.len(), 500);
}

#[tokio::test]
async fn a_stage_error_leaves_its_offset_uncommitted_and_names_it() {
    let kafka = EmbeddedKafka::start().expect("the mock starts");
    kafka.create_topic("t", 1).expect("a topic");
    kafka.produce("t", (0..10).map(|n| (None::<String>, Some(n.to_string())))).expect("acknowledged");
    let chain = kafka::text("t")
        .stream("numbers")
        .try_map(|text: String| if text == "7" { Err("seven is not wanted") } else { Ok(text) })
        .heal();
    let error =
        App::new("seven").chain(chain).run_until_end(config(&kafka, "g")).await.expect_err("it stops");
    let Error::Record(error) = error else { panic!("{error}") };
    assert_eq!(
        (error.stage.as_str(), error.offset, &error.kind),
        ("numbers.try_map", 7, &RecordErrorKind::Stage)
    );
    assert_eq!(kafka.committed("g", "t").expect("commits")[&0], 7);
}

#[tokio::test]
async fn batches_mix_partitions_and_leave_early_at_the_end() {
    let kafka = with_lines("lines", 1_050);
    let (left, right) = std::sync::mpsc::channel();
    let left = std::sync::Mutex::new(left);
    let chain = kafka::text("lines")
        .stream("lines")
        .batch(500)
        .within("30s")
        .map(move |rows: Batch<String>| left.lock().expect("no panic").send(rows.len()).expect("listens"))
        .heal();
    let began = std::time::Instant::now();
    let report = App::new("batches").chain(chain).run_until_end(config(&kafka, "g")).await.expect("it heals");
    assert!(began.elapsed() < Duration::from_secs(20), "nobody waits for company at the end");
    assert_eq!((report.records, report.lag), (1_050, Some(0)));
    let sizes: Vec<_> = right.try_iter().collect();
    assert_eq!(sizes.iter().sum::<usize>(), 1_050);
    assert!(sizes.contains(&500), "{sizes:?}");
}

#[tokio::test]
async fn a_panic_is_a_failure_of_its_record() {
    let kafka = with_lines("lines", 100);
    let chain = kafka::text("lines")
        .stream("lines")
        .map(|line: String| assert_ne!(line, "line 50", "no fifty"))
        .heal();
    let error =
        App::new("panics").chain(chain).run_until_end(config(&kafka, "g")).await.expect_err("it stops");
    let Error::Record(error) = error else { panic!("{error}") };
    assert!(matches!(&error.kind, RecordErrorKind::Panic(text) if text.contains("no fifty")), "{error}");
}

#[test]
fn a_union_that_flows_into_itself_is_refused() {
    let (into, all) = healer::union("all");
    let source = kafka::text("lines").stream("lines").to(&into);
    let circle = all.map(|line: String| line).to(&into);
    let config = Config::builder().brokers("127.0.0.1:1").build().expect("right");
    let error = App::new("circle").chain(source).chain(circle).build(&config).err().expect("it is refused");
    assert!(error.to_string().contains("`all` flows into itself"), "{error}");
}

#[test]
fn a_pipeline_describes_itself_as_text_mermaid_and_dot() {
    let chain = kafka::text("lines").stream("lines").map(|line: String| line.len()).heal();
    let description = App::new("count").chain(chain).describe();
    let text = description.to_string();
    assert_eq!(text, "pipeline count\n  lines (source: string from lines)\n  map (map)\n  heal (heal)\n");
    let mermaid = description.mermaid();
    assert!(mermaid.starts_with("flowchart TD\n") && mermaid.contains("n0 --> n1"), "{mermaid}");
    let dot = description.dot();
    assert!(dot.starts_with("digraph \"count\" {") && dot.contains("n1 -> n2;"), "{dot}");
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(std::time::Instant::now() < end, "{what}: not so in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_pipeline_goes_on_after_an_outage_and_its_health_tells_of_it() {
    let kafka = with_lines("lines", 100);
    let chain = kafka::text("lines").stream("lines").map(|line: String| line.len()).heal();
    let config = Config::builder()
        .brokers(kafka.brokers())
        .group("g")
        .protocol(healer::Protocol::Consumer)
        .commit_interval("20ms");
    let config = config.build().expect("the settings are right");
    let handle = App::new("count").chain(chain).start(config).await.expect("it starts");
    until("all is committed", || kafka.lag("g", "lines").is_ok_and(|lag| lag == 0)).await;
    let health = handle.health();
    assert!(
        health.is_well() && health.phase == Phase::Running && health.commits.last.is_some(),
        "{health:?}"
    );

    kafka.go_down().expect("it goes");
    until("the outage is told", || handle.health().outage.is_some()).await;
    let health = handle.health();
    assert!(!health.is_well() && health.phase == Phase::Running, "{health:?}");
    kafka.come_back().expect("it comes back");
    until("the end of the outage is told", || handle.health().outage.is_none()).await;

    let more = (100..200).map(|n| (Some(format!("k{n}")), Some(format!("line {n}"))));
    kafka.produce("lines", more).expect("all are acknowledged");
    until("all is committed", || kafka.lag("g", "lines").is_ok_and(|lag| lag == 0)).await;
    until("it is well", || handle.health().is_well()).await;
    handle.stop();
    let report = handle.join().await.expect("it ends well");
    assert_eq!((report.records, report.lag), (200, Some(0)));
    assert_eq!(handle.health().phase, Phase::Ended);
}

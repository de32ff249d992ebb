//! Fields of lines have one name and one type everywhere.

use std::fs;
use std::path::Path;
use std::time::Duration;

use healer::prelude::*;
use healer::testing::Simulation;
use healer::{OutOfRange, SeekTo};
use healer_tests::workspace;
use serde_json::Value;

use super::common::{settings, until};
use super::{filled, lines};

#[stage]
async fn slow(line: String) -> String {
    if line == "slow" {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    line
}

#[stage]
async fn kept(line: String) -> String {
    tokio::time::sleep(Duration::from_millis(20)).await;
    line
}

/// Makes the engine log its lines about a partition that is assigned, sought and stalled.
async fn talk() {
    let kafka = filled("talk", ["a", "slow", "c"].map(str::to_owned));
    let app = || pipeline! { name "talk"; lines = kafka::text("talk") => slow; lines => heal; };
    let config = || settings(kafka.brokers(), "talk").stall_after("50ms").out_of_range(OutOfRange::Earliest);
    let handle = app().start(config().build().unwrap()).await.unwrap();
    let is_done = || handle.partitions().iter().any(|status| status.committed == Some(3));
    until("all is committed", is_done).await;
    handle.seek("talk", 0, SeekTo::Earliest).await.unwrap();
    until("all is committed again", is_done).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_has_a_partition_that_is_no_number_or_a_topic_with_one_in_it() {
    lines::listen();
    talk().await;
    let simulated = std::thread::spawn(|| {
        let build =
            |(): &()| pipeline! { name "storm"; lines = kafka::text("storm") => kept; lines => heal; };
        let orders = (0..40).map(|n| format!("order {n}"));
        Simulation::new(|| (), build).topic("storm", 2, orders).seeds(0..8).run().expect("nothing is lost");
    });
    simulated.join().expect("the simulation passes");
    let all = lines::all();
    for words in ["assigned", "reading from elsewhere", "a record holds its partition", "is past"] {
        assert!(all.iter().any(|line| line.message.contains(words)), "nobody said: {words}");
    }
    for line in &all {
        let is = |name: &str, is_right: fn(&Value) -> bool| line.fields.get(name).is_none_or(is_right);
        assert!(is("partition", Value::is_i64), "{line:?}");
        assert!(is("offset", Value::is_i64) && is("attempt", Value::is_u64), "{line:?}");
        assert!(is("rows", Value::is_u64), "{line:?}");
        assert!(is("topic", |topic| topic.as_str().is_some_and(|topic| !topic.contains('['))), "{line:?}");
        assert!(
            is("stage", Value::is_string) && is("emit_id", |id| id.as_str().is_some_and(|id| id.len() == 36)),
            "{line:?}"
        );
        let has = |name| line.fields.contains_key(name);
        assert!(!has("partition") || has("topic"), "a number alone says nothing: {line:?}");
    }
    let stalled = lines::that_say("talk", "a record holds its partition");
    assert_eq!(stalled[0].place(), ("talk", 0, 1, "lines.slow"));
    assert_eq!(stalled[0].text("emit_id").len(), 36);
}

/// Lines that no test comes to are read where they are written.
#[test]
fn no_line_is_written_with_a_partition_as_a_text() {
    let mut found = Vec::new();
    visit(&workspace().join("healer/src"), &mut |path, text| {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let as_text = ["%partition,", "?partition,", "partition = %", "partition = ?"];
            if as_text.iter().any(|form| line.contains(form)) {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    });
    // The tests of the log layer write such a line, as a stranger may.
    found.retain(|place| !place.contains("logs/tests.rs"));
    assert!(found.is_empty(), "{found:#?}");
}

fn visit(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

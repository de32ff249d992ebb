//! Every kind of stage counts the records that it takes, gives and skips, those that fail, and those that are tried again.
#![allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unused_async)] // the test needs stages of all kinds

use healer::prelude::*;
use healer::testing::InMemory;
use metrics_exporter_prometheus::PrometheusBuilder;

/// Of ten records two are skipped and one fails.
const RECORDS: u64 = 100;

fn judge(n: u64) -> Result<Option<u64>, String> {
    match n {
        7 => Err("seven".to_owned()),
        0 | 5 => Ok(None),
        n => Ok(Some(n)),
    }
}

#[stage(skip = "fifth", on_error = skip)]
fn plain(n: u64) -> Result<Option<u64>, String> {
    judge(n)
}

#[stage(skip = "fifth", on_error = skip)]
async fn waits(n: u64) -> Result<Option<u64>, String> {
    tokio::task::yield_now().await;
    judge(n)
}

#[stage(skip = "fifth", on_error = skip, parallel = 4)]
async fn beside(n: &u64) -> Result<Option<u64>, String> {
    judge(*n)
}

#[stage(skip = "fifth", on_error = skip, blocking)]
fn blocks(n: u64) -> Result<Option<u64>, String> {
    judge(n)
}

#[stage(skip = "fifth", on_error = skip, retry(3, backoff = "1ms"))]
fn again(n: &u64) -> Result<Option<u64>, String> {
    judge(*n)
}

#[stage(skip = "fifth", on_error = skip, retry(3, backoff = "1ms"))]
async fn waits_again(n: u64) -> Result<Option<u64>, String> {
    judge(n)
}

#[stage(flat, skip = "fifth", on_error = skip)]
fn twice(n: u64) -> Result<Vec<u64>, String> {
    Ok(judge(n)?.map(|n| vec![n, n]).unwrap_or_default())
}

#[stage(flat, skip = "fifth", on_error = skip)]
async fn waits_twice(n: u64) -> Result<Vec<u64>, String> {
    Ok(judge(n)?.map(|n| vec![n, n]).unwrap_or_default())
}

#[stage(batch, split, on_error = skip)]
fn reads(rows: &Batch<u64>) -> Result<(), String> {
    rows.iter().try_for_each(|(_, n)| judge(*n).map(drop))
}

#[stage(batch, split, on_error = skip, retry(3, backoff = "1ms"))]
async fn transforms(rows: BatchMut<'_, u64>) -> Result<BatchMut<'_, u64>, String> {
    rows.filter("fifth", |n| n % 5 > 0).try_map(|n| judge(n).map(Option::unwrap_or_default))
}

/// The counts that are exported of a stage.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    taken: u64,
    given: u64,
    fifths: u64,
    failed: u64,
    retried: u64,
}

const USUAL: Counts = Counts { taken: 100, given: 70, fifths: 20, failed: 10, retried: 0 };

fn counted(app: App, stage: &str) -> Counts {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        let sample = InMemory::new("t", 2, (0..10).map(|n| n.to_string()));
        sample.run(app, RECORDS).unwrap();
    });
    let page = recorder.handle().render();
    let sum = |name: &str, more: &str| {
        let is_meant = |line: &&str| {
            line.starts_with(&format!("healer_stage_{name}_total{{"))
                && line.contains(&format!("path=\"{stage}\""))
                && line.contains(more)
        };
        let values = page.lines().filter(is_meant).map(|line| line.rsplit(' ').next().unwrap());
        values.map(|value| value.parse::<u64>().unwrap()).sum()
    };
    let failed = sum("records_failed", "");
    assert_eq!(failed, sum("records_skipped", "reason=\"failed\""), "they are skipped");
    Counts {
        taken: sum("records_in", ""),
        given: sum("records_out", ""),
        fifths: sum("records_skipped", "reason=\"fifth\""),
        failed,
        retried: sum("retries", ""),
    }
}

macro_rules! of {
    ($stage:ident) => {{
        let chain = kafka::json::<u64>("t").stream("t").then($stage::stage()).heal();
        counted(App::new("app").chain(chain), concat!("t.", stringify!($stage)))
    }};
    ($stage:ident in batches) => {{
        let chain = kafka::json::<u64>("t").stream("t").batch(10).then($stage::stage()).heal();
        counted(App::new("app").chain(chain), concat!("t.batch.", stringify!($stage)))
    }};
}

#[test]
fn stages_of_single_records() {
    assert_eq!(of!(plain), USUAL);
    assert_eq!(of!(waits), USUAL);
    assert_eq!(of!(beside), USUAL);
    assert_eq!(of!(blocks), USUAL);
}

#[test]
fn stages_that_try_again() {
    assert_eq!(of!(again), Counts { retried: 20, ..USUAL });
    assert_eq!(of!(waits_again), Counts { retried: 20, ..USUAL });
}

#[test]
fn stages_that_give_many() {
    assert_eq!(of!(twice), Counts { given: 140, ..USUAL });
    assert_eq!(of!(waits_twice), Counts { given: 140, ..USUAL });
}

#[test]
fn stages_of_batches_count_rows() {
    assert_eq!(of!(reads in batches), Counts { given: 90, fifths: 0, ..USUAL });
    // A batch is tried as a whole, and so is the row that is left of it.
    assert_eq!(of!(transforms in batches), Counts { retried: 40, ..USUAL });
}

//! A line for each record that is given up, with its error and its place; of many, how many were left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use healer::OnError;
use healer::prelude::*;
use tracing::Level;

use super::common::{Seen, failed_record};
use super::{config, filled, lines};

#[derive(Debug, thiserror::Error)]
#[error("the card was refused")]
struct Refused(#[source] Cause);

#[derive(Debug, thiserror::Error)]
#[error("the bank is shut")]
struct Cause;

fn judge(line: &str) -> Result<String, Refused> {
    if line.starts_with("bad") { Err(Refused(Cause)) } else { Ok(line.to_owned()) }
}

const ERROR: &str = "the card was refused: the bank is shut";

type Ids = Seen<(i64, String)>;

#[stage(retry(2, backoff = "1ms"), on_error = dead_letter("dead"))]
async fn charge(line: String, ctx: &Context, #[state] ids: &Ids) -> Result<String, Refused> {
    if ctx.attempt() == 1 {
        ids.add((ctx.offset(), ctx.emit_id().to_string()));
    }
    judge(&line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_record_that_becomes_a_dead_letter_is_told_and_those_that_are_left_out_are_counted() {
    lines::listen();
    let kafka = filled("cards", (0..210).map(|n| format!("bad {n}")));
    let ids = Arc::<Ids>::default();
    let app = pipeline! { name "cards"; cards = kafka::text("cards") => charge; cards => heal; };
    let report = app.with_arc(Arc::clone(&ids)).run_until_end(config(&kafka)).await.unwrap();
    assert_eq!(report.dead_lettered, 210);
    let ids: BTreeSet<_> = ids.take().into_iter().collect();

    let told = lines::that_say("cards", "became a dead letter");
    for line in &told {
        assert_eq!(line.level, Level::WARN, "{line:?}");
        assert_eq!(line.place(), ("cards", 0, line.number("offset"), "cards.charge"));
        assert!(ids.contains(&(line.number("offset"), line.text("emit_id").to_owned())), "{line:?}");
        assert_eq!(
            (line.text("error"), line.number("attempt")),
            (ERROR, 2),
            "the last attempt, and all causes"
        );
        assert_eq!(line.text("dead_letter_topic"), "dead");
    }
    let (of_others, of_one): (Vec<_>, Vec<_>) =
        told.iter().partition(|line| line.fields.contains_key("more"));
    assert!((1..=20).contains(&of_one.len()) && !of_others.is_empty(), "{told:?}");
    let left_out: i64 = of_others.iter().map(|line| line.number("more")).sum();
    assert_eq!(i64::try_from(of_one.len()).unwrap() + left_out, 210, "all are told, or counted");
    assert!(of_others[0].message.contains("more in the last"), "{told:?}");
}

macro_rules! kinds {
    ($($(#[$kind:meta])? $name:ident $(: $keyword:ident)?),*) => { $(
        #[stage($($kind,)? on_error = skip)]
        $($keyword)? fn $name(line: String) -> Result<String, Refused> { judge(&line) }
    )* };
}
kinds!(fused, waits: async);

#[stage(on_error = skip, retry(3, backoff = "1ms"))]
fn again(line: &String) -> Result<String, Refused> {
    judge(line)
}

#[stage(on_error = skip, parallel = 2)]
async fn beside(line: String) -> Result<String, Refused> {
    judge(&line)
}

#[stage(on_error = skip, blocking)]
fn blocks(line: String) -> Result<String, Refused> {
    judge(&line)
}

#[stage(on_error = skip, flat)]
fn many(line: String) -> Result<Vec<String>, Refused> {
    Ok(vec![judge(&line)?])
}

#[stage(on_error = dead_letter("dead"))]
fn buried(line: String) -> Result<String, Refused> {
    judge(&line)
}

#[stage(on_error = dead_letter("dead"), parallel = 2)]
async fn buried_beside(line: String) -> Result<String, Refused> {
    judge(&line)
}

#[stage(batch, split, on_error = skip)]
fn rows(rows: &Batch<String>) -> Result<(), Refused> {
    rows.iter().try_for_each(|(_, line)| judge(line).map(drop))
}

#[stage(skip = "not liked")]
fn likes(line: String) -> Option<String> {
    (!line.starts_with("bad")).then_some(line)
}

/// Runs a pipeline over a good, a bad and a good record; gives the warnings about those that were given up.
async fn told_by(topic: &str, app: App) -> Vec<lines::Line> {
    lines::listen();
    let kafka = filled(topic, ["good", "bad", "good"].map(str::to_owned));
    app.run_until_end(config(&kafka)).await.unwrap();
    lines::of_topic(topic).into_iter().filter(|line| line.level == Level::WARN).collect()
}

macro_rules! app {
    ($topic:literal, $stage:ident) => {
        pipeline! { name $topic; lines = kafka::text($topic) => $stage; lines => heal; }
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_stage_tells_of_the_one_record_that_its_policy_gives_up() {
    let apps: [(&str, App, &str, i64); 8] = [
        ("fused", app!("fused", fused), "lines.fused", 1),
        ("waits", app!("waits", waits), "lines.waits", 1),
        ("again", app!("again", again), "lines.again", 3),
        ("beside", app!("beside", beside), "lines.beside", 1),
        ("blocks", app!("blocks", blocks), "lines.blocks", 1),
        ("many", app!("many", many), "lines.many", 1),
        ("buried", app!("buried", buried), "lines.buried", 1),
        ("buried_beside", app!("buried_beside", buried_beside), "lines.buried_beside", 1),
    ];
    for (topic, app, stage, attempt) in apps {
        let told = told_by(topic, app).await;
        let [line] = &told[..] else { panic!("{topic}: one line: {told:?}") };
        assert_eq!((line.place(), line.number("attempt")), ((topic, 0, 1, stage), attempt));
        assert_eq!((line.text("error"), line.text("emit_id").len()), (ERROR, 36));
    }
    let of_rows =
        pipeline! { name "rows"; kafka::text("rows") => batch(3, within = "50ms") => rows => heal; };
    let told = told_by("rows", of_rows).await;
    let [line] = &told[..] else { panic!("one row was at fault: {told:?}") };
    assert_eq!((line.number("offset"), line.text("error")), (1, ERROR));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_and_sinks_tell_of_what_their_policy_gives_up() {
    let source = pipeline! {
        name "decoded";
        lines = kafka::json::<Vec<u8>>("decoded").on_error(OnError::Skip);
        lines => heal;
    };
    let told = told_by("decoded", source).await;
    assert_eq!(told.len(), 3, "no value is JSON: {told:?}");
    assert!(
        told.iter().all(|line| line.text("stage") == "lines" && line.message.contains("skipped")),
        "{told:?}"
    );
    let sink = pipeline! {
        name "encoded";
        lines = kafka::text("encoded") => map(|line: String| if line == "bad" { f64::NAN } else { 1.0 });
        lines => kafka::to_json("dead").on_error(OnError::dead_letter("dead")) => heal;
    };
    let told = told_by("encoded", sink).await;
    let [line] = &told[..] else { panic!("{told:?}") };
    assert!((line.number("offset"), line.text("stage")) == (1, "lines.map.dead"), "{line:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_skip_that_is_the_user_s_own_decision_is_no_warning() {
    let own = pipeline! {
        name "own";
        lines = kafka::text("own") => filter(|line: &String| line != "bad");
        lines => heal;
    };
    assert!(told_by("own", own).await.is_empty());
    assert!(told_by("liked", app!("liked", likes)).await.is_empty());
}

#[stage(retry(2, backoff = "1ms"))]
async fn stops(line: String, ctx: &Context, #[state] ids: &Ids) -> Result<String, Refused> {
    ids.add((ctx.offset(), ctx.emit_id().to_string()));
    judge(&line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_stops_the_pipeline_is_told_with_its_identity_and_place() {
    lines::listen();
    let kafka = filled("stopped", ["good", "bad", "good"].map(str::to_owned));
    let ids = Arc::<Ids>::default();
    let app = pipeline! { name "stopped"; lines = kafka::text("stopped") => stops; lines => heal; };
    let error = failed_record(app.with_arc(Arc::clone(&ids)).run_until_end(config(&kafka)).await);
    let (_, emit_id) = ids.all().into_iter().find(|(offset, _)| *offset == 1).expect("it was worked on");
    assert_eq!(error.emit_id.map(|id| id.to_string()), Some(emit_id.clone()));
    for (words, level) in [("a record failed", Level::WARN), ("the pipeline stops", Level::ERROR)] {
        let told = lines::that_say("stopped", words);
        let [line] = &told[..] else { panic!("{words}: {told:?}") };
        assert_eq!((line.level, line.place()), (level, ("stopped", 0, 1, "lines.stops")));
        assert_eq!((line.text("emit_id"), line.number("attempt")), (emit_id.as_str(), 2));
        assert!(line.text("error").contains(ERROR), "{line:?}");
    }
}

#[stage(batch)]
fn whole(rows: &Batch<String>) -> Result<(), Refused> {
    rows.iter().try_for_each(|(_, line)| judge(line).map(drop))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_fails_is_one_line_with_the_ranges_of_its_rows() {
    lines::listen();
    let kafka = filled("batches", ["good", "bad", "good"].map(str::to_owned));
    let app = pipeline! { name "batches"; kafka::text("batches") => batch(3) => whole => heal; };
    failed_record(app.run_until_end(config(&kafka)).await);
    let told = lines::that_say("batches", "a batch failed");
    let [line] = &told[..] else { panic!("{told:?}") };
    assert_eq!((line.number("rows"), line.text("ranges")), (3, "batches[0]@0..=2"));
    assert_eq!((line.text("error"), line.level), (ERROR, Level::WARN));
    assert!(line.text("stage").ends_with(".batch.whole"), "{line:?}");
}

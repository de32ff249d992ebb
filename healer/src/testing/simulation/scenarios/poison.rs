//! Records that cannot be done: the pipeline stops and names them, the records before are committed, and a restart begins there.

use super::{works::Worker, *};
use crate::{error::RecordErrorKind, prelude::*};

/// Offset 2 of 5 is poison; another partition is fine.
fn poisoned(play: &mut Play<'_>, poison: impl AsRef<[u8]>) {
    play.start(0);
    play.write(1, "wait other");
    play.until("the other partition is at work", |play| play.visits("wait other") == 1);
    play.write_quick(0, 0..2);
    play.write(0, poison);
    play.write(0, "wait 3");
    play.write(0, "quick 4");
}

/// Waits for the end, twice, and looks at the error.
fn stops_twice(play: &mut Play<'_>, kind: &RecordErrorKind, stage: &str) {
    for process in 1..3 {
        // Records of the other partition that are at work may still end.
        play.until("the pipeline stops", |play| {
            play.status(0, 0).is_some_and(|status| status.state == PartitionState::Draining)
                || play.ended(0).is_some()
        });
        play.let_go("wait other");
        play.until("it has ended", |play| play.ended(0).is_some());
        let Some(Err(Error::Record(error))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
        assert_eq!((&error.kind, &*error.stage), (kind, stage));
        assert_eq!((&*error.topic, error.partition, error.offset), ("t", 0, 2));
        assert_eq!(play.committed(0), Some(2), "what came before, and not more");
        let ran = play.offsets(process, 0);
        let first = if process == 1 { 0 } else { 2 };
        assert!(
            ran.iter().all(|offset| *offset >= first),
            "a restart begins with the record that failed: {ran:?}"
        );
        assert_eq!(play.visits("wait 3"), 0, "nothing behind it begins");
        assert_eq!(play.committed(1), Some(1), "the other partition ended what it had");
        if process == 1 {
            play.start(0);
        }
    }
}

#[test]
fn a_record_that_fails_stops_the_pipeline_with_its_name_and_stays_uncommitted() {
    use RecordErrorKind::{Panic, Stage};
    let cases = [
        ("fail", Stage, "t.begin"),
        ("panic", Panic("panic is too much".to_owned()), "t.begin"),
        ("later fail", Stage, "t.begin.filter.finish"),
        ("later panic", Panic("it is too much".to_owned()), "t.begin.filter.finish"),
    ];
    for (poison, kind, stage) in cases {
        Ground::new(1, 2).play(|play| {
            poisoned(play, poison);
            stops_twice(play, &kind, stage);
        });
    }
}

#[test]
fn an_undecodable_record_stops_the_pipeline_with_its_name_and_stays_uncommitted() {
    Ground::new(1, 2).play(|play| {
        poisoned(play, b"\xff\xfe");
        stops_twice(play, &RecordErrorKind::Decode, "t");
    });
}

#[test]
fn undecodable_records_are_counted_and_passed_where_the_source_says_so() {
    let skipping = |app: App| {
        let all = kafka::text("t").on_error(OnError::Skip).stream("t");
        app.chain(all.then(works::begin::stage()).heal())
    };
    Ground::new(1, 1).app(skipping).play(|play| {
        play.start(0);
        play.write_quick(0, 0..2);
        play.write(0, b"\xff\xfe");
        play.write_quick(0, 3..5);
        play.until("all is committed", |play| play.committed(0) == Some(5));
        assert_eq!(play.offsets(1, 0), [0, 1, 3, 4]);
        let report = play.stop(0);
        assert_eq!((report.records, report.healed), (5, 4));
        assert_eq!(report.skipped, [("undecodable".to_owned(), 1)].into());
    });
}

#[stage(retry(3, backoff = "10ms..1s"), crate = crate)]
async fn thrice(value: String, ctx: &Context, #[state] worker: &Worker) -> Result<String, String> {
    tokio::task::yield_now().await;
    worker.begin(&value, ctx)?;
    Ok(value)
}

#[stage(retry(3, backoff = "10ms..1s"), on_error = skip, crate = crate)]
fn thrice_and_no_more(value: &str, ctx: &Context, #[state] worker: &Worker) -> Result<String, String> {
    worker.begin(value, ctx)?;
    Ok(value.to_owned())
}

/// All attempts at a record that fails lie between the record before it and the one behind it.
fn tried_thrice(play: &mut Play<'_>) {
    play.start(0);
    play.write_quick(0, 0..2);
    play.write(0, "fail");
    play.write_quick(0, 3..5);
    let tries = |play: &Play<'_>| play.offsets(1, 0).iter().filter(|offset| **offset == 2).count();
    play.until("it was tried three times", |play| tries(play) == 3);
}

#[test]
fn a_record_is_tried_as_often_as_its_stage_says_before_it_stops_the_pipeline() {
    let app = |app: App| app.chain(kafka::text("t").stream("t").then(thrice::stage()).heal());
    Ground::new(1, 1).app(app).play(|play| {
        tried_thrice(play);
        play.until("it has ended", |play| play.ended(0).is_some());
        let Some(Err(Error::Record(error))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
        assert_eq!((error.offset, error.attempts), (2, 3));
        assert_eq!(play.committed(0), Some(2));
        assert_eq!(play.offsets(1, 0), [0, 1, 2, 2, 2]);
    });
}

#[test]
fn a_record_that_its_stage_gives_up_is_counted_and_passed() {
    let app = |app: App| app.chain(kafka::text("t").stream("t").then(thrice_and_no_more::stage()).heal());
    Ground::new(1, 1).app(app).play(|play| {
        tried_thrice(play);
        play.until("all is committed", |play| play.committed(0) == Some(5));
        assert_eq!(play.offsets(1, 0), [0, 1, 2, 2, 2, 3, 4]);
        let report = play.stop(0);
        assert_eq!((report.records, report.healed), (5, 4));
        assert_eq!(report.skipped, [("failed".to_owned(), 1)].into());
    });
}

//! Records that are given up: they are tried as often as their stage says, their dead letter is acknowledged, then they are
//! done. Without an acknowledgement they stay pending, their partition rests, and nothing beyond them is committed.

use std::error::Error as _;

use super::{
    works::{Worker, begin},
    *,
};
use crate::{Headers, dead_letter, error::RecordErrorKind, prelude::*, testing::partitioner::partition_of};

const DEAD: &str = "dead";

#[stage(retry(3, backoff = "10ms..1s"), on_error = dead_letter("dead"), crate = crate)]
async fn awaited(value: String, ctx: &Context, #[state] worker: &Worker) -> Result<String, String> {
    tokio::task::yield_now().await;
    worker.begin(&value, ctx)?;
    Ok(value)
}

#[stage(parallel = 4, retry(3, backoff = "10ms..1s"), on_error = dead_letter("dead"), crate = crate)]
async fn by_key(value: String, ctx: &Context, #[state] worker: &Worker) -> Result<String, String> {
    tokio::task::yield_now().await;
    worker.begin(&value, ctx)?;
    Ok(value)
}

#[stage(retry(3, backoff = "10ms..1s"), on_error = dead_letter("dead"), crate = crate)]
fn in_a_thread(value: &str, ctx: &Context, #[state] worker: &Worker) -> Result<String, String> {
    worker.begin(value, ctx)?;
    Ok(value.to_owned())
}

#[stage(on_error = dead_letter("dead"), crate = crate)]
fn fused(value: String, ctx: &Context, #[state] worker: &Worker) -> Result<String, String> {
    worker.begin(&value, ctx)?;
    Ok(value)
}

/// A record that fails, and how its pipeline gives it up.
struct Case {
    app: fn(App) -> App,
    poison: &'static [u8],
    stage: &'static str,
    attempts: usize,
    error: &'static str,
}

/// In an asynchronous stage, in a parallel one, on a thread, fused, by a panic, behind a boundary, and in decoding.
fn cases() -> Vec<Case> {
    let fail = Case {
        app: |app| app.chain(kafka::text("t").stream("t").then(awaited::stage()).heal()),
        poison: b"fail",
        stage: "t.awaited",
        attempts: 3,
        error: "fail cannot be done",
    };
    vec![
        Case {
            app: |app| app.chain(kafka::text("t").stream("t").then(by_key::stage()).heal()),
            stage: "t.by_key",
            ..fail
        },
        Case {
            app: |app| app.chain(kafka::text("t").stream("t").then(in_a_thread::stage()).heal()),
            stage: "t.in_a_thread",
            ..fail
        },
        Case {
            app: |app| app.chain(kafka::text("t").stream("t").then(fused::stage()).heal()),
            stage: "t.fused",
            attempts: 1,
            ..fail
        },
        Case {
            app: |app| {
                let app = app.on_error(OnError::dead_letter(DEAD));
                app.chain(kafka::text("t").stream("t").then(begin::stage()).heal())
            },
            poison: b"panic",
            stage: "t.begin",
            attempts: 1,
            error: "a panic: panic is too much",
        },
        Case {
            app: |app| {
                let all = kafka::text("t").stream("t").then(awaited::stage());
                let failing = |value: String| if value == "bad" { Err("it is bad") } else { Ok(value) };
                app.on_error(OnError::dead_letter(DEAD)).chain(all.try_map(failing).heal())
            },
            poison: b"bad",
            stage: "t.awaited.try_map",
            attempts: 1,
            error: "it is bad",
        },
        Case {
            app: |app| {
                let all = kafka::text("t").on_error(OnError::dead_letter(DEAD)).stream("t");
                app.chain(all.then(begin::stage()).heal())
            },
            poison: b"\xff\xfe",
            stage: "t",
            attempts: 1,
            error: "invalid utf-8",
        },
        fail,
    ]
}

/// A key whose letters go to that partition.
fn key_of(partition: i32) -> String {
    let mut keys = (0..100).map(|number| format!("key {number}"));
    keys.find(|key| partition_of(key.as_bytes(), 2) == partition).expect("keys go everywhere")
}

/// Offset 2 of 5 is poison.
fn write(play: &mut Play<'_>, poison: &[u8]) {
    play.write_quick(0, 0..2);
    play.write_keyed(0, &key_of(0), poison);
    play.write_quick(0, 3..5);
}

/// The dead letters: value and headers.
fn letters(play: &Play<'_>) -> Vec<(Vec<u8>, Headers)> {
    let of = |partition| {
        let all = |log: &crate::testing::simulation::cluster::Log| {
            let all = log
                .records()
                .map(|(_, record)| (record.value.clone().unwrap_or_default(), record.headers.clone()));
            all.collect::<Vec<_>>()
        };
        play.cluster().log(DEAD, partition, all).unwrap_or_default()
    };
    (0..2).flat_map(of).collect()
}

fn header(letter: &(Vec<u8>, Headers), name: &str) -> String {
    String::from_utf8_lossy(letter.1.get(name).unwrap_or_default()).into_owned()
}

#[test]
fn a_record_that_is_given_up_is_done_when_its_dead_letter_is_acknowledged() {
    for case in cases() {
        Ground::new(1, 2).sink(DEAD).app(case.app).play(|play| {
            play.start(0);
            play.until("it has both partitions", |play| play.has(0, 0) && play.has(0, 1));

            // Nobody acknowledges it: the record stays pending, and its partition rests.
            play.cluster().tune(|settings| settings.stuck = Some(0));
            write(play, case.poison);
            play.until("what comes before it is committed", |play| play.committed(0) == Some(2));
            play.pass(Duration::from_secs(1));
            let before = play.offsets(1, 0);
            let tries = before.iter().filter(|offset| **offset == 2).count();
            assert!(tries == case.attempts || case.stage == "t" || case.poison == b"bad", "{before:?}");
            play.write_quick(0, 5..9);
            play.write_quick(1, 0..3);
            play.until("the other partition goes on", |play| play.committed(1) == Some(3));
            play.pass(Duration::from_mins(2));
            assert_eq!((play.committed(0), letters(play).len()), (Some(2), 0), "at {}", case.stage);
            assert!(
                play.offsets(1, 0).iter().all(|offset| *offset < 5),
                "{:?} is held back",
                play.offsets(1, 0)
            );
            let blocked = play.status(0, 0).and_then(|status| status.blocked).expect("it is blocked");
            assert_eq!((blocked.offset, &*blocked.stage), (2, case.stage));

            play.cluster().tune(|settings| settings.stuck = None);
            play.until("all is committed", |play| play.committed(0) == Some(9));
            let [letter] = &letters(play)[..] else { panic!("one letter, and not {:?}", letters(play)) };
            assert_eq!(letter.0, case.poison);
            assert_eq!(header(letter, dead_letter::TOPIC), "t");
            assert_eq!(header(letter, dead_letter::PARTITION), "0");
            assert_eq!(header(letter, dead_letter::OFFSET), "2");
            assert_eq!(header(letter, dead_letter::PATH), case.stage);
            assert_eq!(header(letter, dead_letter::ATTEMPTS), case.attempts.to_string());
            assert!(header(letter, dead_letter::ERROR).contains(case.error), "{letter:?}");
            let report = play.stop(0);
            assert_eq!((report.records, report.healed, report.dead_lettered), (12, 11, 1));
        });
    }
}

#[test]
fn a_dead_letter_that_fails_on_its_way_is_sent_again() {
    for case in cases() {
        Ground::new(1, 1).sink(DEAD).app(case.app).play(|play| {
            play.cluster().tune(|settings| settings.stuck = Some(0));
            play.start(0);
            write(play, case.poison);
            play.until("its letter fails on its way", |play| play.cluster().fail_sends(1, false) == 1);
            play.until("and once more", |play| play.cluster().fail_sends(1, false) == 1);
            assert_eq!((play.committed(0).unwrap_or(0).max(2), letters(play).len()), (2, 0));
            play.cluster().tune(|settings| settings.stuck = None);
            play.until("all is committed", |play| play.committed(0) == Some(5));
            assert_eq!(letters(play).len(), 1);
            assert_eq!(play.stop(0).dead_lettered, 1);
        });
    }
}

#[test]
fn a_process_that_ends_before_the_acknowledgement_leaves_the_record_to_the_next_one() {
    for case in cases() {
        Ground::new(1, 1).sink(DEAD).app(case.app).play(|play| {
            play.cluster().tune(|settings| settings.stuck = Some(0));
            play.start(0);
            write(play, case.poison);
            play.until("what comes before it is committed", |play| play.committed(0) == Some(2));
            play.pass(Duration::from_secs(1));
            play.kill(0);
            play.cluster().tune(|settings| settings.stuck = None);
            play.start(0);
            play.until("all is committed", |play| play.committed(0) == Some(5));
            assert!((1..=2).contains(&letters(play).len()), "it may be there twice: {:?}", letters(play));
            assert_eq!(play.stop(0).dead_lettered, 1);
        });
    }
}

#[test]
fn a_dead_letter_that_can_never_be_sent_stops_the_pipeline_and_its_record_stays_uncommitted() {
    for case in cases() {
        Ground::new(1, 1).sink(DEAD).app(case.app).play(|play| {
            play.start(0);
            play.until("it has the partition", |play| play.has(0, 0));
            play.cluster().delete_topic(DEAD);
            write(play, case.poison);
            play.until("the pipeline stops", |play| play.ended(0).is_some());
            let Some(Err(Error::Record(error))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
            assert_eq!(error.kind, RecordErrorKind::DeadLetter);
            assert_eq!((&*error.topic, error.offset, &*error.stage), ("t", 2, case.stage));
            let why = error.source().expect("it says why").to_string();
            assert!(why.contains("\"dead\" does not exist") && why.contains(case.error), "{why}");
            assert_eq!(play.committed(0), Some(2), "what came before, and not more");
        });
    }
}

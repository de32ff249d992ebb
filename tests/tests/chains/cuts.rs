//! The nodes above a cut know of those below it: whether they have room, and that they read key and headers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use healer::prelude::*;
use healer::testing::{InMemory, TestRecord};

/// How many values were made and taken, and the most that were on their way.
#[derive(Clone, Default)]
struct Counts(Arc<[AtomicUsize; 3]>);

#[stage(flat)]
fn makes_many(_: u64, #[state] counts: &Counts) -> Box<dyn Iterator<Item = u64> + Send> {
    let counts = counts.clone();
    Box::new((0..10_000).inspect(move |_| _ = counts.0[0].fetch_add(1, Ordering::Relaxed)))
}

#[stage]
fn adds(number: u64) -> u64 {
    number + 1
}

#[stage]
async fn takes(_: u64, #[state] counts: &Counts) {
    let Counts(counts) = counts;
    let taken = counts[1].fetch_add(1, Ordering::Relaxed);
    counts[2].fetch_max(counts[0].load(Ordering::Relaxed) - taken, Ordering::Relaxed);
}

/// A stage far below that reads the key and a header.
#[stage]
fn looks(number: u64, ctx: &Context) -> Result<u64, String> {
    let header = ctx.headers().get("colour").map(<[u8]>::to_vec);
    match (ctx.key(), header.as_deref()) {
        (Some(b"a key"), Some(b"red")) => Ok(number),
        other => Err(format!("{other:?}")),
    }
}

fn records() -> InMemory {
    InMemory::new("numbers", 1, [TestRecord::new().value("1").key("a key").header("colour", Some("red"))])
}

#[test]
fn a_flat_stage_waits_for_room_below_a_cut() {
    let counts = Arc::new(Counts::default());
    let app = pipeline! {
        name "room";
        kafka::json::<u64>("numbers") => makes_many
            => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds
            => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds
            => takes => heal;
    };
    assert_eq!(records().run(app.with_arc(Arc::clone(&counts)), 3).unwrap().healed, 3);
    let [made, taken, most] = [0, 1, 2].map(|count| counts.0[count].load(Ordering::Relaxed));
    assert_eq!((made, taken), (30_000, 30_000));
    assert!(most <= 200, "{most} values were on their way at once");
}

#[test]
fn a_stage_below_cuts_and_boundaries_sees_key_and_headers() {
    #[stage]
    async fn waits(number: u64) -> u64 {
        number
    }
    let app = pipeline! {
        name "reads";
        kafka::json::<u64>("numbers")
            => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds
            => waits
            => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds
            => looks => heal;
    };
    assert_eq!(records().run(app, 5).unwrap().healed, 5);
}

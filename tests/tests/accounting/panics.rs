//! Panics and errors in every kind of node: the record is pending, and the error names the place.

use super::*;

#[tokio::test]
async fn in_a_synchronous_stage() {
    let kafka = numbers(20);
    let chain = kafka::text("t").stream("in").then(parse::stage()).then(panic_at_7::stage()).heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in.parse.panic_at_7", "{error}");
}

#[tokio::test]
async fn in_an_asynchronous_stage() {
    let kafka = numbers(20);
    let chain = kafka::text("t").stream("in").then(parse::stage()).then(panic_at_7_later::stage()).heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in.parse.panic_at_7_later", "{error}");
}

#[tokio::test]
async fn in_a_map_behind_a_boundary() {
    let kafka = numbers(20);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .then(rest::stage())
        .map(|n| assert!(n != 7, "no seven"))
        .heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in.parse.rest.map", "{error}");
}

#[tokio::test]
async fn in_a_flat_stage_that_is_fused() {
    let kafka = numbers(20);
    let chain = kafka::text("t").stream("in").then(parse::stage()).then(twice_but_panic_at_7::stage()).heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in.parse.twice_but_panic_at_7", "{error}");
}

#[tokio::test]
async fn in_a_flat_stage_with_a_queue_behind() {
    let kafka = numbers(20);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .then(twice_but_panic_at_7::stage())
        .then(rest::stage())
        .heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in.parse.twice_but_panic_at_7", "{error}");
}

async fn in_batch<S>(stage: S, name: &str)
where
    S: healer::__private::Accepts<Batch<usize>>,
    S::Out: Send + 'static,
{
    let kafka = numbers(20);
    let chain = kafka::text("t").stream("in").then(parse::stage()).batch(5).within("50ms").then(stage).heal();
    let error = fails(App::new("a").chain(chain), &kafka).await;
    assert!(is_panic(&error, "no seven"), "{error}");
    assert_eq!(error.stage, format!("in.parse.batch.{name}"));
    assert!(committed(&kafka).get(&0).copied().unwrap_or(0) <= 7);
}

#[tokio::test]
async fn in_a_batch_stage_that_blocks() {
    in_batch(panic_at_7_in_batch::stage(), "panic_at_7_in_batch").await;
}

#[tokio::test]
async fn in_an_asynchronous_batch_stage() {
    in_batch(panic_at_7_in_batch_later::stage(), "panic_at_7_in_batch_later").await;
}

#[tokio::test]
async fn in_a_transforming_batch_stage_that_blocks() {
    in_batch(panic_at_7_in_own_batch::stage(), "panic_at_7_in_own_batch").await;
}

#[tokio::test]
async fn in_an_asynchronous_transforming_batch_stage() {
    in_batch(panic_at_7_in_own_batch_later::stage(), "panic_at_7_in_own_batch_later").await;
}

#[tokio::test]
async fn behind_a_port() {
    let kafka = numbers(20);
    let (port, both) = union::<usize>("both");
    let source = kafka::text("t").stream("in").then(parse::stage()).to(&port);
    let both = both.map(|n| assert!(n != 7, "no seven")).heal();
    let error = fails_at(App::new("a").chain(source).chain(both), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "both.map", "{error}");
}

#[tokio::test]
async fn in_a_sink_s_closure() {
    let kafka = numbers(20);
    kafka.create_topic("out", 1).expect("a topic");
    let sink = kafka::to_text("out").key(|text: &String, _: &Context| {
        assert!(text != "7", "no seven");
        None
    });
    let chain = kafka::text("t").stream("in").then(sink).heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in.out", "{error}");
}

#[tokio::test]
async fn in_the_clone_of_a_value_that_goes_two_ways() {
    struct Odd(usize);
    impl Clone for Odd {
        fn clone(&self) -> Self {
            assert!(self.0 != 7, "no seven");
            Self(self.0)
        }
    }
    let kafka = numbers(20);
    let chain = kafka::text("t")
        .stream("in")
        .map(|text: String| Odd(number(&text)))
        .named("odd")
        .fan_out(|all| all.map(|odd: Odd| odd.0).heal())
        .and(|all| all.map(|odd: Odd| odd.0).then(rest::stage()).heal());
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in.odd", "{error}");
}

#[tokio::test]
async fn in_a_codec() {
    struct Picky;
    impl healer::Codec for Picky {
        fn format(&self) -> &'static str {
            "picky"
        }
    }
    impl healer::Decode<usize> for Picky {
        fn decode(&self, bytes: &[u8], _: &healer::CodecContext<'_>) -> Result<usize, healer::CodecError> {
            assert!(bytes != b"7", "no seven");
            Ok(bytes.len())
        }
    }
    let kafka = numbers(20);
    let chain = kafka::source(Picky, "t").stream("in").heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert!(is_panic(&error, "no seven") && error.stage == "in", "{error}");
}

#[tokio::test]
async fn in_the_drop_of_what_a_closure_holds_and_the_end_is_told_all_the_same() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            // Not while another panic runs already.
            assert!(std::thread::panicking(), "dropped");
        }
    }
    let kafka = numbers(5);
    let bomb = Bomb;
    let chain = kafka::text("t").stream("in").map(move |text: String| (&bomb, text).1).heal();
    let app = App::new("a").chain(chain);
    let result = net(app.run_until_end(config(&kafka))).await;
    assert!(matches!(result, Err(Error::Engine(_))), "{result:?}");
    assert_eq!(committed(&kafka)[&0], 5);
}

/// Panics where a seven is dropped, as a writer whose last flush fails may.
#[derive(Clone)]
struct Fragile(usize);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(self.0 != 7 || std::thread::panicking(), "a seven is dropped");
    }
}

#[stage]
async fn fragile_later(text: String) -> Fragile {
    Fragile(number(&text))
}

#[stage(parallel = 4)]
async fn fragile_beside(text: String) -> Fragile {
    Fragile(number(&text))
}

#[stage(flat)]
fn fragile_twice(text: String) -> Vec<Fragile> {
    vec![Fragile(number(&text)), Fragile(number(&text))]
}

#[stage(batch)]
fn fragile_rows(rows: BatchMut<'_, String>) -> BatchMut<'_, Fragile> {
    rows.map(|text| Fragile(number(&text)))
}

#[stage(batch)]
fn look_at(rows: &Batch<Fragile>) {
    let _ = rows;
}

#[stage]
fn take(fragile: Fragile) -> usize {
    fragile.0
}

#[stage(skip = "none")]
async fn leave(_fragile: Fragile) -> Option<usize> {
    None
}

/// The run fails at 7, though its stages have done their work.
fn fails_in_memory(place: &str, app: App) {
    let numbers = InMemory::new("t", 1, (0..10).map(|n| TestRecord::new().key("k").value(n.to_string())));
    let Err(Error::Record(error)) = numbers.run_once(app) else {
        panic!("{place}: what is dropped is a part of the work, so the record must fail")
    };
    let owes_7 = error.offset == 7 || error.rows.iter().any(|rows| (rows.first..=rows.last).contains(&7));
    assert!(owes_7 && is_panic(&error, "a seven is dropped"), "{place}: {error}");
}

#[test]
fn in_the_drop_of_a_value_wherever_it_ends() {
    let texts = || kafka::text("t").stream("in");
    let fragile = || texts().map(|text: String| Fragile(number(&text)));
    let all = [
        ("healed", App::new("a").chain(fragile().heal())),
        ("healed behind a boundary", App::new("a").chain(texts().then(fragile_later::stage()).heal())),
        (
            "healed behind overlapping calls",
            App::new("a").chain(texts().then(fragile_beside::stage()).heal()),
        ),
        ("one of several", App::new("a").chain(texts().then(fragile_twice::stage()).heal())),
        ("left out", App::new("a").chain(fragile().filter(|fragile| fragile.0 != 7).heal())),
        ("taken by a stage", App::new("a").chain(fragile().then(take::stage()).heal())),
        ("skipped by a stage", App::new("a").chain(fragile().then(leave::stage()).heal())),
        ("in a batch", App::new("a").chain(texts().batch(5).then(fragile_rows::stage()).heal())),
        ("in a batch that was read", App::new("a").chain(fragile().batch(5).then(look_at::stage()).heal())),
        (
            "on one of two ways",
            App::new("a")
                .chain(fragile().fan_out(|way| way.map(std::mem::forget).heal()).and(healer::Stream::heal)),
        ),
    ];
    for (place, app) in all {
        fails_in_memory(place, app);
    }
}

/// Gives its number twice, and drops its `Fragile` only after that.
struct Twice(Fragile, usize);

impl Iterator for Twice {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.1 = self.1.checked_sub(1)?;
        Some(self.0.0)
    }
}

#[stage(flat)]
fn in_turn(text: String) -> Twice {
    Twice(Fragile(number(&text)), 2)
}

#[stage(flat)]
async fn in_turn_later(text: String) -> Twice {
    Twice(Fragile(number(&text)), 2)
}

#[stage(batch)]
fn in_turn_of_rows(rows: BatchMut<'_, String>) -> BatchMut<'_, usize> {
    rows.flat_map("none", |text| Twice(Fragile(number(&text)), 2))
}

#[test]
fn in_the_drop_of_an_iterator_that_has_given_all() {
    let texts = || kafka::text("t").stream("in");
    let all = [
        ("fused", App::new("a").chain(texts().then(in_turn::stage()).heal())),
        ("above a queue", App::new("a").chain(texts().then(in_turn::stage()).then(rest::stage()).heal())),
        ("asynchronous", App::new("a").chain(texts().then(in_turn_later::stage()).heal())),
        ("of rows", App::new("a").chain(texts().batch(5).then(in_turn_of_rows::stage()).heal())),
    ];
    for (place, app) in all {
        fails_in_memory(place, app);
    }
}

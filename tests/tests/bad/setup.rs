//! Faults before the first record: settings, state, topics, brokers, passwords. Each error names the remedy.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::common::{LIMIT, settings};
use healer::{ConfigBuilder, Error, prelude::*, testing::EmbeddedKafka};
use healer_tests::kafka::{RealKafka, RealKafkaOptions, SASL_PASSWORD, SASL_USER};

/// A broker with a second listener that asks for a password.
fn kafka() -> Option<&'static RealKafka> {
    static KAFKA: OnceLock<Option<RealKafka>> = OnceLock::new();
    let options = || RealKafkaOptions { sasl: true, ..RealKafkaOptions::default() };
    KAFKA.get_or_init(|| RealKafka::own_for_test(options())).as_ref()
}

fn plain(topic: &str) -> App {
    pipeline! { name "plain"; kafka::text(topic) => heal; }
}

/// Starts it, expects that it fails, and that within this time.
async fn refused(app: App, config: Config, within: Duration) -> Error {
    let began = Instant::now();
    let error = app.start(config).await.err().expect("it must not start");
    assert!(began.elapsed() < within, "{error} after {:?}", began.elapsed());
    error
}

#[tokio::test]
async fn a_topic_that_two_patterns_match_is_read_by_neither() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("orders2", 1).unwrap();
    kafka.produce("orders2", [(None::<String>, Some("1"))]).unwrap();
    let app = App::new("twice")
        .chain(kafka::text("^orders.*").stream("all").heal())
        .chain(kafka::text("^orders[0-9]*$").stream("numbered").heal());
    let run = tokio::time::timeout(LIMIT, app.run_until_end(settings(kafka.brokers(), "g").build().unwrap()));
    let error = run.await.expect("it ends").expect_err("one of the two would get nothing");
    assert!(matches!(error, Error::Build(_)), "{error:?}");
    let text = error.to_string();
    assert!(["`orders2`", "`all`", "`numbered`"].iter().all(|word| text.contains(word)), "{text}");
    assert!(kafka.committed("g", "orders2").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_topic_is_named_at_the_start_of_a_source() {
    let Some(kafka) = kafka() else { return };
    let missing = kafka.unique("missing");
    let config = settings(kafka.brokers(), &kafka.unique("group")).build().unwrap();
    let error = refused(plain(&missing), config, LIMIT).await;
    assert!(matches!(error, Error::UnknownTopic(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&missing) && text.contains("create the topic"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_topic_is_named_at_the_start_of_a_sink() {
    let Some(kafka) = kafka() else { return };
    let (topic, missing) = (kafka.unique("there"), kafka.unique("missing"));
    kafka.create_topic(&topic, 1, &[]).unwrap();
    let app = pipeline! { name "sink"; kafka::text(&topic) => kafka::to_text(&missing) => heal; };
    let config = settings(kafka.brokers(), &kafka.unique("group")).build().unwrap();
    let error = refused(app, config, LIMIT).await;
    assert!(matches!(error, Error::UnknownTopic(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&missing) && text.contains("create the topic"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_broker_is_an_error_within_the_time_that_was_given() {
    // Nobody listens where somebody just stopped.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    let sink = pipeline! { name "sink"; kafka::text("in") => kafka::to_text("out") => heal; };
    let pattern = pipeline! { name "pattern"; lines = kafka::text("^in.*") => map(|line: String| line); lines => heal; };
    for app in [plain("in"), sink, pattern] {
        let config = settings(&nobody, "group").connect_timeout("1s").build().unwrap();
        let error = refused(app, config, Duration::from_secs(10)).await;
        assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&nobody) && text.contains("refused"), "{text}");
        assert!(text.contains("`bootstrap.servers`"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_never_answers_is_an_error_within_the_time_that_was_given() {
    // It accepts, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = listener.local_addr().unwrap().to_string();
    let config = settings(&mute, "group").connect_timeout("1s").build().unwrap();
    let error = refused(plain("in"), config, Duration::from_secs(10)).await;
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains(&mute), "{error}");
}

fn with_password(kafka: &RealKafka, group: &str, password: &str) -> ConfigBuilder {
    let settings = settings(kafka.sasl_brokers().unwrap(), group);
    let settings = settings.set("security.protocol", "sasl_plaintext").set("sasl.mechanisms", "PLAIN");
    settings.set("sasl.username", SASL_USER).set("sasl.password", password)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_refused_within_seconds_and_never_shown() {
    let Some(kafka) = kafka() else { return };
    let topic = kafka.unique("guarded");
    kafka.create_topic(&topic, 1, &[]).unwrap();
    let out = kafka.unique("out");
    kafka.create_topic(&out, 1, &[]).unwrap();
    let sink = pipeline! { name "sink"; kafka::text(&topic) => kafka::to_text(&out) => heal; };
    for app in [plain(&topic), sink] {
        let config = with_password(kafka, &kafka.unique("group"), "not-the-password").connect_timeout("60s");
        let error = refused(app, config.build().unwrap(), Duration::from_secs(20)).await;
        assert!(matches!(error, Error::NotAuthorized(_)), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("authentication failed") && text.contains("`sasl.password`"), "{text}");
        assert!(!text.contains("not-the-password"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_password_opens_the_door() {
    let Some(kafka) = kafka() else { return };
    let (topic, out, group) = (kafka.unique("guarded"), kafka.unique("out"), kafka.unique("group"));
    kafka.create_topic(&topic, 2, &[]).unwrap();
    kafka.create_topic(&out, 1, &[]).unwrap();
    kafka.produce(&topic, crate::common::lines(100, 2)).unwrap();
    let app = pipeline! { name "sink"; kafka::text(&topic) => kafka::to_text(&out) => heal; };
    let config = with_password(kafka, &group, SASL_PASSWORD).build().unwrap();
    let report = app.run_until_end(config).await.unwrap();
    assert_eq!((report.healed, report.lag), (100, Some(0)));
    assert_eq!(kafka.committed(&group, &topic).unwrap(), kafka.end_offsets(&topic).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_a_password_is_not_left_waiting() {
    let Some(kafka) = kafka() else { return };
    let config = settings(kafka.sasl_brokers().unwrap(), "group").connect_timeout("3s").build().unwrap();
    let error = refused(plain("guarded"), config, Duration::from_secs(15)).await;
    assert!(error.to_string().contains("security.protocol"), "{error}");
}

fn wrong(builder: ConfigBuilder) -> String {
    builder.build().expect_err("it must be refused").to_string()
}

#[test]
fn a_commit_interval_of_nothing_is_refused() {
    let text = wrong(settings("localhost:9092", "group").commit_interval("0s"));
    assert!(text.contains("commit_interval") && text.contains("too short"), "{text}");
    assert!(text.contains("1ms"), "what is allowed: {text}");
}

#[test]
fn a_property_that_healer_owns_is_refused_with_the_setting_to_use() {
    let owned = [
        ("enable.auto.commit", "true", "commit"),
        ("enable.auto.offset.store", "true", "commit"),
        ("auto.offset.reset", "latest", "start"),
        ("group.id", "other", "group"),
        ("group.protocol", "classic", "protocol"),
        ("partition.assignment.strategy", "range", "assignor"),
    ];
    for (name, value, instead) in owned {
        let text = wrong(settings("localhost:9092", "group").set(name, value));
        assert!(text.contains(name) && text.contains(instead), "{text}");
    }
    let all = owned
        .iter()
        .fold(settings("localhost:9092", "group"), |settings, (name, value, _)| settings.set(*name, *value));
    let text = wrong(all);
    assert!(owned.iter().all(|(name, ..)| text.contains(name)), "all at once: {text}");
}

struct Planes;
struct Database;

#[stage]
fn enrich(line: String, #[state] _planes: &Planes) -> String {
    line
}

#[stage]
fn save(line: String, #[state] _database: &Database, #[state] _planes: &Planes) -> String {
    line
}

/// The faults that `build` finds, without any broker.
fn faults(app: App, settings: ConfigBuilder) -> Vec<String> {
    match app.build(&settings.build().unwrap()).err() {
        Some(Error::Build(error)) => error.faults,
        Some(other) => panic!("another error: {other}"),
        None => panic!("nothing was found"),
    }
}

#[test]
fn all_missing_state_is_named_at_once_with_stage_and_type() {
    let app = || {
        pipeline! {
            name "state";
            lines = kafka::text("in") => enrich => save;
            lines => heal;
        }
    };
    let found = faults(app(), settings("localhost:1", "group"));
    assert_eq!(found.len(), 3, "{found:?}");
    for (path, name) in
        [("lines.enrich", "Planes"), ("lines.enrich.save", "Database"), ("lines.enrich.save", "Planes")]
    {
        let fits =
            |text: &&String| text.contains(&format!("`{path}`")) && text.contains(&format!("::{name}`"));
        assert!(found.iter().any(|text| fits(&text) && text.contains(".with(")), "{path} {name}: {found:?}");
    }
    let found = faults(app().with(Planes), settings("localhost:1", "group"));
    assert!(found.len() == 1 && found[0].contains("::Database`"), "{found:?}");
    assert!(
        app().with(Planes).with(Database).build(&settings("localhost:1", "group").build().unwrap()).is_ok()
    );
}

trait Geo: Send + Sync {}

struct Maps;

impl Geo for Maps {}

#[stage]
fn place(line: String, #[state] _geo: &dyn Geo, #[state] _prefix: &str) -> String {
    line
}

#[test]
fn state_of_no_known_size_is_asked_for_as_what_it_can_be_given_as() {
    let app = || pipeline! { name "state"; lines = kafka::text("in") => place; lines => heal; };
    let found = faults(app(), settings("localhost:1", "group"));
    assert_eq!(found.len(), 2, "{found:?}");
    for name in ["dyn bad::setup::Geo", "str"] {
        let help = format!("`app.with_arc::<{name}>(…)`, an `Arc<{name}>`");
        assert!(found.iter().any(|text| text.contains(&help)), "{help}: {found:?}");
    }
    let app = app().with_arc::<dyn Geo>(std::sync::Arc::new(Maps)).with_arc::<str>("x".into());
    assert!(app.build(&settings("localhost:1", "group").build().unwrap()).is_ok());
}

#[test]
fn a_batch_larger_than_a_partition_may_have_in_flight_is_refused() {
    let app = |rows| {
        let stream = kafka::text("in").stream("lines").batch(rows);
        App::new("batches").chain(stream.map(|rows: Batch<String>| drop(rows)).heal())
    };
    let found = faults(app(101), settings("localhost:1", "group").in_flight(100));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("101") && found[0].contains("100") && found[0].contains("`in_flight`"),
        "{found:?}"
    );
    assert!(app(100).build(&settings("localhost:1", "group").in_flight(100).build().unwrap()).is_ok());
    assert_eq!(faults(app(0), settings("localhost:1", "group")).len(), 1);
}

#[test]
fn a_topic_of_two_sources_is_refused() {
    let app = |second: &str| {
        pipeline! {
            name "twice";
            kafka::text(["in", "other"]) as "first" => heal;
            kafka::text(second) as "second" => heal;
        }
    };
    let found = faults(app("in"), settings("localhost:1", "group"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("`in`") && found[0].contains("`first`") && found[0].contains("`second`"),
        "{found:?}"
    );
    assert!(found[0].contains("bind it once"), "{found:?}");
    let found = faults(app("^i.*"), settings("localhost:1", "group"));
    assert!(found.len() == 1 && found[0].contains("pattern"), "{found:?}");
}

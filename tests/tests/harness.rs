//! The ground that the other tests stand on: the real broker itself.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use healer_tests::kafka::{RealKafka, RealKafkaOptions, Record, SASL_PASSWORD, SASL_USER, Stored};
use rdkafka::consumer::{BaseConsumer, Consumer as _};

#[test]
fn what_was_produced_is_read_back_whole() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topic = kafka.unique("whole");
    kafka.create_topic(&topic, 1, &[]).unwrap();
    let sent = [
        Record::value("plain"),
        Record::value("").key("empty value"),
        Record::tombstone("no value"),
        Record::value("all").key("k").timestamp(1_357_000_000_000).header("h", "1").header("h", vec![0xff]),
    ];
    assert_eq!(kafka.produce(&topic, sent.clone()).unwrap(), 4);
    let read = kafka.read_all(&topic).unwrap();
    assert_eq!(read.len(), sent.len());
    for (read, sent) in read.iter().zip(&sent) {
        assert_eq!((&read.key, &read.value, &read.headers), (&sent.key, &sent.value, &sent.headers));
    }
    assert_eq!(read[3].timestamp, Some(1_357_000_000_000));
}

#[test]
fn topics_come_and_go_and_lose_their_beginning() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topic = kafka.unique("cut");
    kafka.create_topic(&topic, 2, &[("cleanup.policy", "delete")]).unwrap();
    assert!(kafka.create_topic(&topic, 2, &[]).is_err());
    kafka.produce(&topic, (0..20).map(|i| Record::value(i.to_string()).partition(i % 2))).unwrap();
    kafka.delete_records(&topic, &BTreeMap::from([(0, 4), (1, 10)])).unwrap();
    assert_eq!(kafka.begin_offsets(&topic).unwrap(), BTreeMap::from([(0, 4), (1, 10)]));
    assert_eq!(kafka.end_offsets(&topic).unwrap(), BTreeMap::from([(0, 10), (1, 10)]));
    assert_eq!(kafka.read_all(&topic).unwrap().len(), 6);
    kafka.delete_topic(&topic).unwrap();
    assert!(!kafka.topics().unwrap().contains(&topic));
    assert!(kafka.end_offsets(&topic).is_err());
    assert!(kafka.produce(&topic, [Record::value("nowhere")]).is_err());
}

#[test]
fn a_value_of_one_mebibyte_fits() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topic = kafka.unique("large");
    kafka.create_topic(&topic, 1, &[]).unwrap();
    kafka.produce(&topic, [Record::value(vec![b'x'; 1 << 20])]).unwrap();
    assert_eq!(kafka.read_all(&topic).unwrap()[0].value.as_ref().unwrap().len(), 1 << 20);
}

#[test]
fn a_header_may_have_a_name_that_is_not_utf8() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topic = kafka.unique("odd");
    kafka.create_topic(&topic, 2, &[]).unwrap();
    assert_eq!(kafka.produce_odd_headers(&topic, 1, b"v", &[(b"plain", b"1")]).unwrap(), 0);
    let read = kafka.read_all(&topic).unwrap();
    assert_eq!(read[0].headers, [("plain".to_owned(), Some(b"1".to_vec()))]);
    assert_eq!((read[0].partition, read[0].value.as_deref()), (1, Some(&b"v"[..])));
    assert_eq!(kafka.produce_odd_headers(&topic, 1, b"v", &[(b"\xff\xfe", b"1")]).unwrap(), 1);
    assert_eq!(kafka.end_offsets(&topic).unwrap()[&1], 2);
    let error = kafka.read_all(&topic).unwrap_err().to_string();
    assert!(error.contains("not UTF-8"), "{error}");
    assert!(kafka.produce_odd_headers(&topic, 7, b"v", &[]).is_err());
}

#[tokio::test]
async fn helpers_work_inside_an_asynchronous_test() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topic = kafka.unique("async");
    kafka.create_topic(&topic, 1, &[]).unwrap();
    assert_eq!(kafka.produce(&topic, [Record::value("x")]).unwrap(), 1);
}

#[test]
fn a_killed_broker_comes_back_with_all_it_acknowledged() {
    let Some(kafka) = RealKafka::own_for_test(RealKafkaOptions::default()) else {
        return;
    };
    let address = kafka.brokers();
    kafka.create_topic("kept", 4, &[]).unwrap();
    assert_eq!(kafka.produce("kept", (0..1000).map(|i| Record::value(format!("{i}")))).unwrap(), 1000);
    let before = kafka.read_all("kept").unwrap();
    assert_eq!(values(&before), (0..1000).collect());
    let ends = kafka.end_offsets("kept").unwrap();
    assert_eq!(ends.values().sum::<i64>(), 1000);
    assert_eq!(kafka.committed("group", "kept").unwrap(), BTreeMap::new());
    let committed = BTreeMap::from([(0, 7), (2, 5000)]);
    kafka.set_committed("group", "kept", &committed).unwrap();
    assert_eq!(kafka.committed("group", "kept").unwrap(), committed);

    let pid = kafka.pid().unwrap();
    kafka.kill();
    assert!(!is_alive(pid));
    assert_eq!(kafka.pid(), None);
    kafka.restart().unwrap();

    assert_eq!(kafka.brokers(), address);
    assert_eq!(kafka.read_all("kept").unwrap(), before);
    assert_eq!(kafka.end_offsets("kept").unwrap(), ends);
    assert_eq!(kafka.committed("group", "kept").unwrap(), committed);
    assert_eq!(kafka.produce("kept", [Record::value("more")]).unwrap(), 1);
}

#[test]
fn the_second_listener_asks_for_a_password_and_nothing_stays_after_a_panic() {
    let options = RealKafkaOptions {
        sasl: true,
        properties: vec![("num.partitions".to_owned(), "3".to_owned())],
        ..RealKafkaOptions::default()
    };
    let Some(kafka) = RealKafka::own_for_test(options) else {
        return;
    };
    let (pid, folder) = (kafka.pid().unwrap(), kafka.folder().to_owned());
    let properties = std::fs::read_to_string(folder.join("server.properties")).unwrap();
    assert_eq!(properties.matches("num.partitions=3").count(), 1);
    assert!(!properties.contains("num.partitions=4\n#"));

    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let answers = |password: &str| {
            let mut config = kafka.client_config();
            config.set("bootstrap.servers", kafka.sasl_brokers().unwrap());
            config.set("security.protocol", "sasl_plaintext").set("sasl.mechanism", "PLAIN");
            config.set("sasl.username", SASL_USER).set("sasl.password", password);
            let client: BaseConsumer = config.create().unwrap();
            client.fetch_metadata(None, Duration::from_secs(3)).is_ok()
        };
        assert!(answers(SASL_PASSWORD));
        assert!(!answers("wrong"));
        assert!(is_alive(pid));
        panic!("on purpose");
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
    assert!(!is_alive(pid));
    assert!(!folder.exists());
}

#[test]
fn a_broker_dies_with_the_process_that_owns_it() {
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args(["--exact", "owner_that_is_killed", "--ignored", "--nocapture"]);
    let mut owner = owner.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
    let broker = lines.find_map(|line| line.split_once("broker ").map(|(_, broker)| broker.to_owned()));
    owner.kill().unwrap();
    owner.wait().unwrap();
    // Without Java, the owner said so.
    let Some(broker) = broker else { return };
    let (pid, folder) = broker.split_once(' ').unwrap();
    let (pid, folder) = (pid.parse().unwrap(), Path::new(folder));
    let limit = Instant::now() + Duration::from_secs(10);
    while is_alive(pid) || folder.exists() {
        assert!(Instant::now() < limit, "process {pid} or {} is left", folder.display());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "the other half of a_broker_dies_with_the_process_that_owns_it"]
fn owner_that_is_killed() {
    let Some(kafka) = RealKafka::own_for_test(RealKafkaOptions::default()) else {
        return;
    };
    println!("broker {} {}", kafka.pid().unwrap(), kafka.folder().display());
    // Killed long before; if not, the broker is stopped all the same.
    thread::sleep(Duration::from_mins(1));
}

fn values(records: &[Stored]) -> std::collections::BTreeSet<i32> {
    let text = |record: &Stored| String::from_utf8(record.value.clone().unwrap()).unwrap();
    records.iter().map(|record| text(record).parse().unwrap()).collect()
}

fn is_alive(pid: u32) -> bool {
    let mut signal = Command::new("kill");
    signal.args(["-0", &pid.to_string()]).stderr(Stdio::null()).status().unwrap().success()
}

//! How much memory a process takes whose records wait, measured from the outside by the most that was ever resident.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _, stdin, stdout};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::{Door, settings};
use healer::prelude::*;
use healer_tests::kafka::{RealKafka, Record};

const BROKERS: &str = "HEALER_TEST_BROKERS";
const TOPIC: &str = "HEALER_TEST_TOPIC";
const DEAD: &str = "HEALER_TEST_DEAD";
const KIND: &str = "HEALER_TEST_KIND";

/// Said by the first record of each partition.
const WAITS: &str = "@ waits";

/// The memory that a process may take: a budget of 64 MiB, records that the client fetches ahead, the program itself.
const MOST: u64 = 160 << 20;

/// How long nothing more must have been taken in.
const STEADY: Duration = Duration::from_secs(3);

/// How long anything may take: some hundred MiB go through, also in a debug build on a busy machine.
const LIMIT: Duration = Duration::from_mins(3);

const PARTITIONS: i32 = 4;

/// The first record of each partition says so and waits for the door; the records behind it wait for it.
async fn wait_if_first(ctx: &Context, door: &Door) {
    if ctx.offset() == 0 {
        // Past the test's own capture: the parent reads it.
        stdout().write_all(format!("\n{WAITS}\n").as_bytes()).unwrap();
        door.pass().await;
    }
}

async fn first_waits(line: String, ctx: &Context, door: &Door) -> usize {
    wait_if_first(ctx, door).await;
    line.len()
}

#[stage]
async fn slow(line: String, ctx: &Context, #[state] door: &Door) -> usize {
    first_waits(line, ctx, door).await
}

#[stage(parallel = 64, order = none)]
async fn slow_beside_others(line: String, ctx: &Context, #[state] door: &Door) -> usize {
    first_waits(line, ctx, door).await
}

#[derive(Debug, thiserror::Error)]
#[error("odd")]
struct Odd;

#[stage]
async fn refuse_odd(line: String, ctx: &Context, #[state] door: &Door) -> Result<usize, Odd> {
    let odd = ctx.offset() % 2 == 1;
    let length = first_waits(line, ctx, door).await;
    if odd { Err(Odd) } else { Ok(length) }
}

#[stage]
async fn hold(line: String, ctx: &Context, #[state] door: &Door) -> String {
    wait_if_first(ctx, door).await;
    line
}

fn app(kind: &str, topic: &str, dead: &str) -> App {
    match kind {
        "plain" => pipeline! { name "memory"; kafka::text(topic) => slow => heal; },
        "beside" => pipeline! { name "memory"; kafka::text(topic) => slow_beside_others => heal; },
        "letters" => {
            let app = pipeline! { name "memory"; kafka::text(topic) => refuse_odd => heal; };
            app.on_error(OnError::dead_letter(dead))
        }
        "sink" => {
            pipeline! { name "memory"; kafka::text(topic) => hold => kafka::to_text(dead) => heal; }
        }
        other => panic!("no such program: {other}"),
    }
}

fn peak(pid: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

#[test]
#[ignore = "the process that the other tests look at"]
fn program() {
    let of = |name: &str| std::env::var(name).expect("started by another test");
    let app = app(&of(KIND), &of(TOPIC), &of(DEAD));
    let door = Arc::<Door>::default();
    let opened = Arc::clone(&door);
    thread::spawn(move || {
        stdin().lock().read_line(&mut String::new()).unwrap();
        opened.open();
    });
    let config = settings(of(BROKERS), &of(TOPIC)).build().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let report = runtime.block_on(app.with_arc(door).run_until_end(config)).unwrap();
    let (done, peak) = (report.healed + report.dead_lettered, peak("self").unwrap());
    writeln!(stdout(), "\n@ {done} {peak}").unwrap();
}

/// Killed when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// So many records of this size in each partition, all behind a first one that waits. The most that the process takes until nothing
/// more comes in, and until all is done.
fn peaks(kafka: &RealKafka, kind: &str, (records, size): (i32, usize)) -> [u64; 2] {
    let (topic, dead) = (kafka.unique("large"), kafka.unique("dead"));
    kafka.create_topic(&topic, 4, &[]).unwrap();
    kafka.create_topic(&dead, 4, &[]).unwrap();
    let value = "x".repeat(size);
    let record = |n| Record::value(value.clone()).partition(n % PARTITIONS);
    kafka.produce(&topic, (0..records * PARTITIONS).map(record)).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "program", "--ignored", "--nocapture"]);
    command.env(BROKERS, kafka.brokers()).env(TOPIC, &topic).env(DEAD, &dead).env(KIND, kind);
    let mut running = Running(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let pid = running.0.id().to_string();
    let mut said = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.by_ref().filter(|line| line == WAITS).take(4).count(), 4);
    let (mut most, mut since, end) = (0, Instant::now(), Instant::now() + LIMIT);
    while since.elapsed() < STEADY {
        assert!(Instant::now() < end, "after {LIMIT:?} it takes {most} bytes, and that is not all");
        assert!(running.0.try_wait().unwrap().is_none(), "it ended before its records were let through");
        if let Some(now) = peak(&pid).filter(|now| *now > most) {
            (most, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(20));
    }
    running.0.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    let last =
        said.filter_map(|line| line.strip_prefix("@ ").map(ToOwned::to_owned)).last().expect("it says");
    assert!(running.0.wait().unwrap().success());
    let (done, peak) = last.split_once(' ').unwrap();
    assert_eq!(done.parse::<i32>().unwrap(), records * PARTITIONS);
    [most, peak.parse().unwrap()]
}

fn stays_below(kind: &str, load: (i32, usize)) {
    let Some(kafka) = RealKafka::for_test() else { return };
    let peaks = peaks(kafka, kind, load);
    println!("{kind}: {} MiB while they wait, {} MiB in all", peaks[0] >> 20, peaks[1] >> 20);
    assert!(peaks.iter().all(|peak| *peak <= MOST), "{} MiB, {} MiB", peaks[0] >> 20, peaks[1] >> 20);
}

#[test]
fn records_behind_a_slow_first_one_take_no_more_than_the_budget() {
    stays_below("plain", (1_400, 64 << 10));
}

#[test]
fn records_beside_a_slow_first_one_take_no_more_than_the_budget() {
    stays_below("beside", (1_400, 64 << 10));
}

#[test]
fn records_that_may_become_dead_letters_take_no_more_than_the_budget() {
    stays_below("letters", (700, 128 << 10));
}

#[test]
fn records_that_wait_for_a_sink_take_no_more_than_the_budget() {
    stays_below("sink", (1_400, 64 << 10));
}

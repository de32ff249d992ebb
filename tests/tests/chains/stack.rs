//! Values that lie on the stack: it grows with them and with the chain. A test's thread has 2 MiB, and so have tokio's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use healer::prelude::*;
use healer::testing::{EmbeddedKafka, InMemory, TestRecord};

use crate::two_hundred;

/// So many bytes, moved by value.
#[derive(Clone)]
struct Large<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Large<BYTES> {
    fn new() -> Self {
        Self([0; BYTES])
    }

    fn next(mut self) -> Self {
        self.0[BYTES - 1] += 1;
        self
    }
}

/// The sum of the last bytes of all values.
type Sum = AtomicU64;

const K16: usize = 16 * 1024;
const K64: usize = 64 * 1024;
const K256: usize = 256 * 1024;

/// The kinds of stages for values of a size, in a module, and a pipeline of the steps that are given.
macro_rules! stages {
    ($module:ident, $bytes:expr) => {
        mod $module {
            use super::*;

            #[stage]
            pub fn adds(value: Large<{ $bytes }>) -> Large<{ $bytes }> {
                value.next()
            }

            #[stage]
            pub fn may_fail(value: Large<{ $bytes }>) -> Result<Large<{ $bytes }>, String> {
                Ok(value.next())
            }

            #[stage(retry(3, backoff = "1ms"))]
            pub fn tries(value: &Large<{ $bytes }>) -> Result<Large<{ $bytes }>, String> {
                Ok(value.clone().next())
            }

            #[stage]
            pub async fn waits(value: Large<{ $bytes }>) -> Large<{ $bytes }> {
                value.next()
            }

            #[stage(retry(3, backoff = "1ms"), timeout = "30s")]
            pub async fn waits_and_tries(value: &Large<{ $bytes }>) -> Result<Large<{ $bytes }>, String> {
                Ok(value.clone().next())
            }

            #[stage(parallel = 8)]
            pub async fn at_once(value: Large<{ $bytes }>) -> Large<{ $bytes }> {
                value.next()
            }

            #[stage(blocking)]
            pub fn blocks(value: Large<{ $bytes }>) -> Large<{ $bytes }> {
                value.next()
            }

            #[stage(flat)]
            pub fn gives(value: Large<{ $bytes }>) -> [Large<{ $bytes }>; 1] {
                [value.next()]
            }

            #[stage(flat)]
            pub async fn waits_and_gives(value: Large<{ $bytes }>) -> [Large<{ $bytes }>; 1] {
                [value.next()]
            }

            #[stage]
            pub fn begins(_: String) -> Large<{ $bytes }> {
                Large::new()
            }

            #[stage]
            pub fn ends(value: Large<{ $bytes }>, #[state] sum: &Sum) {
                sum.fetch_add(u64::from(value.0[$bytes - 1]), Ordering::Relaxed);
            }
        }
    };
}

stages!(k16, K16);
stages!(k64, K64);
stages!(k256, K256);

/// How many records run.
const RECORDS: u64 = 40;

/// Each value must have come through so many stages.
fn comes_to(app: App, stages: u64) {
    let sum = Arc::new(Sum::default());
    let lines = InMemory::new("lines", 4, [TestRecord::new().value("line")]);
    let report = lines.run(app.with_arc(Arc::clone(&sum)), RECORDS).unwrap();
    assert_eq!((report.healed, sum.load(Ordering::Relaxed)), (RECORDS, RECORDS * stages));
}

macro_rules! twenty {
    ($size:ident::$stage:ident) => {
        comes_to(
            pipeline! {
                name "large";
                kafka::text("lines") => $size::begins
                    => $size::$stage => $size::$stage => $size::$stage => $size::$stage => $size::$stage
                    => $size::$stage => $size::$stage => $size::$stage => $size::$stage => $size::$stage
                    => $size::$stage => $size::$stage => $size::$stage => $size::$stage => $size::$stage
                    => $size::$stage => $size::$stage => $size::$stage => $size::$stage => $size::$stage
                    => $size::ends => heal;
            },
            20,
        )
    };
}

macro_rules! of_all_kinds {
    ($size:ident) => {
        pipeline! {
            name "large";
            kafka::text("lines") => $size::begins => $size::adds => $size::may_fail => $size::tries => $size::waits
                => $size::waits_and_tries => $size::at_once => $size::blocks => $size::gives
                => $size::waits_and_gives => map(|value| value.next()) => filter(|value| value.0[0] == 0, reason = "odd")
                => $size::adds => $size::adds => $size::adds => $size::ends => heal;
        }
    };
}

#[test]
fn twenty_synchronous_stages_of_16_kib() {
    twenty!(k16::adds);
    twenty!(k16::may_fail);
    twenty!(k16::tries);
}

#[test]
fn twenty_synchronous_stages_of_64_kib() {
    twenty!(k64::adds);
}

#[test]
fn twenty_synchronous_stages_of_256_kib() {
    twenty!(k256::adds);
}

#[test]
fn twenty_flat_stages_of_64_kib() {
    twenty!(k64::gives);
}

#[test]
fn two_hundred_synchronous_stages_of_16_kib() {
    macro_rules! long {
        ($([$($arrow:tt)*])*) => {
            pipeline! { name "large"; kafka::text("lines") => k16::begins $($($arrow k16::adds)*)* => k16::ends => heal; }
        };
    }
    comes_to(two_hundred!(long! {}), 200);
}

#[test]
fn a_chain_of_all_kinds_of_16_64_and_256_kib() {
    comes_to(of_all_kinds!(k16), 13);
    comes_to(of_all_kinds!(k64), 13);
    comes_to(of_all_kinds!(k256), 13);
}

#[test]
fn fan_outs_and_unions_of_64_kib() {
    comes_to(
        pipeline! {
            name "large";
            lines = kafka::text("lines") => k64::begins => k64::adds;
            first = lines => k64::adds => k64::adds;
            second = lines => k64::waits => k64::adds;
            both = union(first, second) => k64::adds;
            both => k64::adds => k64::ends => heal;
            both => k64::at_once => k64::adds => k64::adds => heal;
        },
        2 * 5,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_threads_of_the_engine_and_of_tokio_hold_large_values() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("lines", 4).unwrap();
    kafka.produce("lines", (0..40).map(|n| TestRecord::new().value("line").partition(n % 4))).unwrap();
    let sum = Arc::new(Sum::default());
    let config =
        healer::Config::builder().brokers(kafka.brokers()).group("large").threads(2).build().unwrap();
    let report = of_all_kinds!(k64).with_arc(Arc::clone(&sum)).run_until_end(config).await.unwrap();
    assert_eq!((report.healed, sum.load(Ordering::Relaxed)), (40, 40 * 13));
}

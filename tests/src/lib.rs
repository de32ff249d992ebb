//! The ground of healer's tests and benches: a real Apache Kafka of their own and real flights.
//!
//! This crate knows nothing of `healer`, so that it measures and checks from the outside.
//!
//! ```no_run
//! use healer_tests::kafka::{RealKafka, Record};
//!
//! fn a_test() {
//!     let Some(kafka) = RealKafka::for_test() else { return };
//!     let topic = kafka.unique("greetings");
//!     kafka.create_topic(&topic, 1, &[]).unwrap();
//!     kafka.produce(&topic, [Record::value("hello")]).unwrap();
//!     assert_eq!(kafka.end_offsets(&topic).unwrap()[&0], 1);
//! }
//! ```

pub mod flights;
pub mod kafka;
mod not_run;
pub mod outage;
pub mod programs;
pub mod storm;
pub mod zipf;

pub use not_run::report_not_run;

use std::path::{Path, PathBuf};

/// The folder of the whole workspace, wherever the calling program was started.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

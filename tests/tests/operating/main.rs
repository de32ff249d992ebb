//! A pipeline on a real Kafka as an operator sees it: by HTTP, log lines, files and exit codes, and by nothing else.
//!
//! Each test starts a program, which is this very file run once more ([`program`](program::run)), and looks at it from the outside.

mod bare;
mod child;
#[path = "../common/mod.rs"]
mod common;
mod guard;
mod health;
mod http;
mod lines;
mod logs;
mod metrics;
mod orders;
mod pauses;
mod program;
mod reports;
mod settings;
mod shop;
mod two;
mod whole;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other half of the tests: a process of its own"]
async fn program() {
    program::run().await.unwrap();
}

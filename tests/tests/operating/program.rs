//! The program that is operated: pipelines, with all that an operator has of them. It obeys commands from standard input.

use std::future::pending;
use std::io::{BufRead as _, stdin};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use healer::observe::{self, Server};
use healer::reports::Directory;
use healer::{BoxError, Config, Guard, GuardEnd, Handle, SeekTo};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::common::Door;
use super::orders;

/// The variables that name the program's topics and its folder of reports. All others are healer's own.
pub const TOPIC: &str = "TEST_TOPIC";
pub const SHIPPED: &str = "TEST_SHIPPED";
pub const REPORTS: &str = "TEST_REPORTS";
/// The topic and group of the second pipeline, where there is to be one.
pub const BILLS: &str = "TEST_BILLS";

/// The beginning of each answer: the test runner writes to standard output as well.
pub const ANSWER: &str = "answer: ";

struct Program {
    config: Config,
    server: Server,
    topic: String,
    door: Arc<Door>,
    handles: Vec<Handle>,
    guard: Option<JoinHandle<GuardEnd>>,
}

/// Runs until the guard ends, which may be the process's end.
pub async fn run() -> Result<(), BoxError> {
    let config = Config::from_env()?;
    // With 0 this shows no data; `hide_card` is asked about all data that is shown.
    observe::log_data(0, Some(orders::hide_card));
    observe::init_logs(config.logs())?;
    let server = observe::serve_metrics("127.0.0.1:0").await?;
    answer(&json!(server.addr()));
    let (door, topic) = (Arc::default(), std::env::var(TOPIC)?);
    let mut program = Program { config, server, topic, door, handles: Vec::new(), guard: None };
    let mut commands = commands();
    loop {
        tokio::select! {
            Some(command) = commands.recv() => {
                let said = program.obey(&command).await;
                answer(&said.unwrap_or_else(|error| json!({ "error": error.to_string() })));
            }
            () = ended(&mut program.guard) => return Ok(()),
        }
    }
}

async fn ended(guard: &mut Option<JoinHandle<GuardEnd>>) {
    match guard {
        Some(guard) => drop(guard.await),
        None => pending().await,
    }
}

/// The lines of standard input. Their end says that the process that started this one is gone: this one exits, too.
fn commands() -> UnboundedReceiver<String> {
    let (sender, commands) = unbounded_channel();
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            drop(sender.send(line));
        }
        std::process::exit(2);
    });
    commands
}

fn answer(said: &Value) {
    println!("\n{ANSWER}{said}");
}

impl Program {
    async fn obey(&mut self, command: &str) -> Result<Value, BoxError> {
        let words: Vec<_> = command.split(' ').collect();
        match words[..] {
            ["start"] => self.start().await?,
            ["guard"] => {
                let guard = Guard::new(self.config.guard());
                self.guard = Some(self.handles.iter().fold(guard, Guard::watch).spawn());
            }
            ["pause"] => self.orders()?.pause(),
            ["pause", "topic"] => self.orders()?.pause_topic(&self.topic),
            ["pause", partition] => self.orders()?.pause_partition(&self.topic, partition.parse()?),
            ["resume"] => self.orders()?.resume(),
            ["resume", "topic"] => self.orders()?.resume_topic(&self.topic),
            ["resume", partition] => self.orders()?.resume_partition(&self.topic, partition.parse()?),
            ["seek", partition, "time", millis] => {
                let time = UNIX_EPOCH + Duration::from_millis(millis.parse()?);
                return self.seek(partition, SeekTo::Time(time)).await;
            }
            ["seek", partition, offset] => {
                return self.seek(partition, SeekTo::Offset(offset.parse()?)).await;
            }
            ["open"] => self.door.open(),
            ["stop"] => self.handles.iter().for_each(Handle::stop),
            _ => return Err(format!("there is no command {command:?}").into()),
        }
        Ok(Value::Null)
    }

    async fn start(&mut self) -> Result<(), BoxError> {
        let app = orders::orders(&self.topic, &std::env::var(SHIPPED)?).with_arc(Arc::clone(&self.door));
        let app = app.report_failures(Directory::new(std::env::var(REPORTS)?)?);
        self.handles.push(app.start(self.config.clone()).await?);
        if let Ok(topic) = std::env::var(BILLS) {
            let config = Config::builder().from_env().group(&topic).build()?;
            self.handles.push(orders::bills(&topic).start(config).await?);
        }
        self.handles.iter().for_each(|handle| self.server.watch(handle));
        Ok(())
    }

    async fn seek(&self, partition: &str, to: SeekTo) -> Result<Value, BoxError> {
        Ok(json!(self.orders()?.seek(&self.topic, partition.parse()?, to).await?))
    }

    fn orders(&self) -> Result<&Handle, BoxError> {
        self.handles.first().ok_or_else(|| "it is not started yet".into())
    }
}

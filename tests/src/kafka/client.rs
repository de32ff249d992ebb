//! The clients behind the helpers, and their shared settings.

use std::future::Future;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::metadata::{MetadataPartition, MetadataTopic};

use super::RealKafka;

/// How long one request of a helper may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

impl RealKafka {
    /// The configuration that a client of one's own starts from: the address of this broker.
    pub fn client_config(&self) -> ClientConfig {
        config(&self.brokers())
    }

    pub(super) fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        Ok(self.client_config().create()?)
    }

    /// A consumer that never joins the group it names.
    pub(super) fn consumer(&self, group: &str) -> Result<BaseConsumer> {
        let mut config = self.client_config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        // The default lets the fetcher rest a second each time its queue is full.
        config.set("fetch.queue.backoff.ms", "10").set("enable.partition.eof", "true");
        // A reader must not wait for half a second at the end of a partition.
        config.set("fetch.wait.max.ms", "10");
        Ok(config.create()?)
    }
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    // Short waits: tests kill brokers and want them back soon.
    config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "500");
    config
}

/// The partitions of a topic that exists.
pub(super) fn partitions(client: &BaseConsumer, topic: &str) -> Result<Vec<i32>> {
    let metadata = client.fetch_metadata(Some(topic), LIMIT)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.with_context(|| format!("the broker says nothing of topic {topic}"))?;
    if let Some(error) = found.error() {
        bail!("topic {topic}: {}", rdkafka::types::RDKafkaErrorCode::from(error));
    }
    Ok(found.partitions().iter().map(MetadataPartition::id).collect())
}

/// Whether a broker listens, has joined its cluster, and leads all partitions that it knows of.
pub(super) fn is_ready(brokers: &str) -> bool {
    // A client that is refused complains in the log; so it is made when somebody listens.
    if TcpStream::connect(brokers).is_err() {
        return false;
    }
    let mut config = config(brokers);
    config.set("group.id", "readiness").set_log_level(RDKafkaLogLevel::Emerg);
    let Ok(client) = config.create::<BaseConsumer>() else {
        return false;
    };
    let Ok(metadata) = client.fetch_metadata(None, Duration::from_secs(2)) else {
        return false;
    };
    let mut partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    !metadata.brokers().is_empty() && partitions.all(|partition| partition.leader() >= 0)
}

/// The options of every admin request.
pub(super) fn admin_options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(LIMIT)).operation_timeout(Some(LIMIT))
}

/// Waits for an admin request, also inside an asynchronous test, where a runtime cannot be entered twice.
pub(super) fn wait<T: Send>(request: impl Future<Output = KafkaResult<T>> + Send) -> Result<T> {
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            Ok(runtime.block_on(request)?)
        });
        waiting.join().unwrap_or_else(|_| bail!("the admin client panicked"))
    })
}

/// Asks until the answer is yes.
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let limit = Instant::now() + LIMIT;
    while !is_so()? {
        if Instant::now() > limit {
            bail!("{what}: not so after {} s", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

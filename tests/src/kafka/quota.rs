//! How fast clients may send.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::RealKafka;
use super::java::all_output;

impl RealKafka {
    /// Lets each client send no more than so many bytes a second, as a quota of the cluster's owner does; `None` lifts that.
    ///
    /// # Errors
    /// The tool of Kafka cannot be started, or the broker does not answer it.
    pub fn limit_producers(&self, bytes_per_second: Option<u32>) -> Result<()> {
        let mut tool = Command::new(self.java.path());
        tool.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]).arg(self.room.libs().join("*"));
        tool.args(["kafka.admin.ConfigCommand", "--bootstrap-server", &self.brokers(), "--alter"]);
        tool.args(["--entity-type", "clients", "--entity-default"]);
        match bytes_per_second {
            Some(rate) => tool.arg("--add-config").arg(format!("producer_byte_rate={rate}")),
            None => tool.args(["--delete-config", "producer_byte_rate"]),
        };
        let output = tool.output().context("the tool for quotas cannot be started")?;
        if !output.status.success() {
            bail!("the quota was not changed ({}):\n{}", output.status, all_output(&output));
        }
        Ok(())
    }
}

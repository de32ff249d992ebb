//! Finds a Java that the broker runs on, and runs its tools.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail};

use super::StartError;

/// The first version of Java that Kafka 4 runs on.
const OLDEST: u32 = 17;

/// A Java that is new enough.
#[derive(Clone, Debug)]
pub(super) struct Java(PathBuf);

impl Java {
    /// Takes `JAVA_HOME` first, then the path.
    pub(super) fn find() -> Result<Self, StartError> {
        let home = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
        let java = home.filter(|java| java.is_file()).unwrap_or_else(|| "java".into());
        let output = Command::new(&java)
            .arg("-version")
            .output()
            .map_err(|error| StartError::NotRun(format!("Java is missing ({}: {error})", java.display())))?;
        let said = String::from_utf8_lossy(&output.stderr);
        match version(&said) {
            Some(version) if version >= OLDEST => Ok(Self(java)),
            _ => Err(StartError::NotRun(format!(
                "Java {OLDEST} or newer is needed, found: {}",
                said.lines().next().unwrap_or("nothing")
            ))),
        }
    }

    /// The program to start.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Prepares a data folder for the broker that `properties` describes.
    pub(super) fn format(&self, libs: &Path, properties: &Path, cluster: &str) -> anyhow::Result<()> {
        let output = Command::new(&self.0)
            // It runs for a second: a quick start is worth more than fast code.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
            .arg(libs.join("*"))
            .args(["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c"])
            .arg(properties)
            .output()
            .context("the storage tool cannot be started")?;
        if !output.status.success() {
            bail!("the storage tool failed ({}):\n{}", output.status, all_output(&output));
        }
        Ok(())
    }
}

/// Everything that a program said, errors last.
pub(super) fn all_output(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).trim().to_owned()).join("\n")
}

/// The feature version in the output of `java -version`; old ones call themselves `1.8`.
fn version(said: &str) -> Option<u32> {
    let (_, quoted) = said.split_once("version \"")?;
    let mut numbers = quoted.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match numbers.next()?.ok()? {
        1 => numbers.next()?.ok(),
        version => Some(version),
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_java_says_its_version_in_several_ways() {
        assert_eq!(version("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(version("java version \"1.8.0_311\""), Some(8));
        assert_eq!(version("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(version("openjdk version \"22-ea\" 2024-03-19"), Some(22));
        assert_eq!(version("no such thing"), None);
    }
}

//! The programs of the sides: a missing one is built, and one that cannot be built is left out with the reason.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use healer_tests::workspace;

use crate::task::Side;

/// Where each kind of side lies.
#[derive(Debug)]
pub(crate) struct Programs {
    own: PathBuf,
    peers: Result<PathBuf, String>,
    java: Result<PathBuf, String>,
}

impl Programs {
    /// Builds the programs that these sides need.
    pub(crate) fn build(sides: &[Side]) -> Result<Self> {
        let wanted = |own: fn(Side) -> bool| sides.iter().any(|side| own(*side));
        let unused = || Err("not asked for".to_owned());
        Ok(Self {
            own: env::current_exe().context("this program cannot tell where it lies")?,
            peers: if wanted(is_peer) { build_peers() } else { unused() },
            java: if wanted(is_java) { build_java() } else { unused() },
        })
    }

    /// Which of these sides cannot run, and why.
    pub(crate) fn missing(&self, sides: &[Side]) -> BTreeMap<Side, String> {
        let missing = sides.iter().filter_map(|side| Some((*side, self.command(*side).err()?)));
        missing.collect()
    }

    /// The command that starts a side; the caller adds the task.
    pub(crate) fn command(&self, side: Side) -> Result<Command, String> {
        if is_java(side) {
            let jars = self.java.clone()?;
            let mut command = Command::new("java");
            command.arg("-cp").arg(format!("{}/classes:{}/libs/*", jars.display(), jars.display()));
            command.arg(if side == Side::Streams { "benches.Streams" } else { "benches.Parallel" });
            return Ok(command);
        }
        if is_peer(side) {
            return Ok(Command::new(self.peers.clone()?));
        }
        let mut command = Command::new(&self.own);
        command.arg("side");
        Ok(command)
    }
}

fn is_peer(side: Side) -> bool {
    matches!(side, Side::Arroyo | Side::Ruststream | Side::RuststreamTracked)
}

fn is_java(side: Side) -> bool {
    matches!(side, Side::Streams | Side::ParallelConsumer)
}

/// A workspace of its own: one of the peers builds the client in another way, which would become everybody's.
fn build_peers() -> Result<PathBuf, String> {
    let folder = workspace().join("benches/peers");
    let target = target().join("peers");
    done(Command::new("cmake").arg("--version"))?;
    eprintln!("building benches/peers");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--quiet", "--target-dir"]).arg(&target);
    done(cargo.current_dir(folder))?;
    Ok(target.join("release/peers"))
}

fn build_java() -> Result<PathBuf, String> {
    let target = target().join("benches-java");
    eprintln!("building benches/java");
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "package"]).arg(format!("-Dtarget={}", target.display()));
    done(maven.current_dir(workspace().join("benches/java")))?;
    Ok(target)
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn done(command: &mut Command) -> Result<(), String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.output().map_err(|error| format!("{name} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    eprint!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{name} failed ({})", output.status))
}

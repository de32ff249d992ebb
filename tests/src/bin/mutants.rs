//! Puts known bugs into a copy of the workspace, one at a time, and runs the tests: each bug must be caught.
//!
//! The bugs are data, in `tests/mutations/*.txt`: blocks of `name`, `file`, `old` (a line that is there once) and `new`,
//! and above them `tests`, the commands that are tried in their order until one fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;

/// Checks that the tests notice bugs: each of a list is built in, alone, and some test must fail.
#[derive(Parser)]
struct Options {
    /// A list of bugs; may be given several times. All of `tests/mutations` by default.
    #[arg(long = "list")]
    lists: Vec<PathBuf>,
    /// Only bugs whose name or file holds this text.
    #[arg(long)]
    only: Option<String>,
    /// Runs this command instead of those of the lists; may be given several times.
    #[arg(long = "tests")]
    tests: Vec<String>,
    /// How long one command may take, in seconds: a bug that hangs the tests is caught.
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// Where the copy is built, `target/mutants` by default; kept, so that the next run need not build everything. Never
    /// the folder that the workspace itself is built in: each would take the other's files for its own.
    #[arg(long)]
    target: Option<PathBuf>,
    /// Only checks that every bug still has its line.
    #[arg(long)]
    check: bool,
}

/// One line that is made wrong.
#[derive(Default)]
struct Mutation {
    name: String,
    file: PathBuf,
    old: String,
    new: String,
    tests: Vec<String>,
}

impl Mutation {
    /// The text with the bug in it; the line must be there once.
    fn apply(&self, text: &str) -> Result<String> {
        let found = text.lines().filter(|line| line.trim() == self.old).count();
        ensure!(found == 1, "its line is there {found} times: {}", self.old);
        let line = |line: &str| if line.trim() == self.old { self.new.clone() } else { line.to_owned() };
        Ok(text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n")
    }
}

fn read(list: &Path) -> Result<Vec<Mutation>> {
    let text = fs::read_to_string(list).with_context(|| format!("reading {}", list.display()))?;
    let (mut tests, mut all, mut one) = (Vec::new(), Vec::new(), Mutation::default());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once('=').with_context(|| format!("no `=` in: {line}"))?;
        let value = value.trim().to_owned();
        match key.trim() {
            "tests" => tests.push(value),
            "name" => one.name = value,
            "file" => one.file = value.into(),
            "old" => one.old = value,
            "new" => {
                let tests = tests.clone();
                all.push(Mutation { new: value, tests, ..std::mem::take(&mut one) });
            }
            other => bail!("{}: unknown key {other}", list.display()),
        }
    }
    for one in &all {
        ensure!(
            !one.name.is_empty() && !one.old.is_empty(),
            "{}: a block without name or old",
            list.display()
        );
    }
    Ok(all)
}

fn lists(options: &Options) -> Result<Vec<PathBuf>> {
    if !options.lists.is_empty() {
        return Ok(options.lists.clone());
    }
    let folder = healer_tests::workspace().join("tests/mutations");
    let mut all: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    all.sort();
    Ok(all)
}

/// All that git would keep, as it is in the working folder.
fn copy_workspace(to: &Path) -> Result<()> {
    let from = healer_tests::workspace();
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&from)
        .output()?;
    ensure!(listed.status.success(), "git does not list the files: {}", last_words(&listed));
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        if from.join(name).is_file() {
            let target = to.join(name);
            fs::create_dir_all(target.parent().context("a file has a folder")?)?;
            fs::copy(from.join(name), target)?;
        }
    }
    Ok(())
}

fn last_words(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).join("\n");
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Some names, and how many there are besides.
fn shown(names: &BTreeSet<&str>) -> String {
    let some: Vec<_> = names.iter().take(3).copied().collect();
    let more = names.len() - some.len();
    some.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// How the tests took a bug.
enum Verdict {
    Survived,
    Caught(String),
    /// It is no bug but a typing error: nothing was tested.
    Broken(String),
}

struct Bench<'a> {
    folder: &'a Path,
    target: PathBuf,
    limit: u64,
}

impl Bench<'_> {
    fn run(&self, command: &str) -> Result<Output> {
        // A process group of its own, so that nothing of a command that hangs is left: also not a pipeline that takes a
        // milder signal for a wish to drain.
        Command::new("timeout")
            .args(["--signal=KILL", &self.limit.to_string(), "sh", "-c", command])
            .current_dir(self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("RUST_BACKTRACE", "0")
            .output()
            .context("starting `timeout`")
    }

    fn verdict(&self, tests: &[String]) -> Result<Verdict> {
        for command in tests {
            let output = self.run(command)?;
            if output.status.success() {
                continue;
            }
            let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).join("\n");
            if text.contains("could not compile") {
                return Ok(Verdict::Broken(last_words(&output)));
            }
            let failed: BTreeSet<_> = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("---- ")?.strip_suffix(" stdout ----"))
                .collect();
            let by = match output.status.code() {
                // `timeout` goes with its group.
                None | Some(124 | 137) => format!("{command} (hangs)"),
                _ if failed.is_empty() => command.clone(),
                _ => shown(&failed),
            };
            return Ok(Verdict::Caught(by));
        }
        Ok(Verdict::Survived)
    }
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let mut mutations = Vec::new();
    for list in lists(&options)? {
        mutations.extend(read(&list)?);
    }
    if let Some(only) = &options.only {
        mutations.retain(|one| one.name.contains(only) || one.file.to_string_lossy().contains(only));
    }
    ensure!(!mutations.is_empty(), "no bug to build in");
    for one in mutations.iter_mut().filter(|_| !options.tests.is_empty()) {
        one.tests.clone_from(&options.tests);
    }
    let mut wrong = Vec::new();
    for one in &mutations {
        let text = fs::read_to_string(healer_tests::workspace().join(&one.file));
        if let Err(error) = text.map_err(Into::into).and_then(|text| one.apply(&text)) {
            wrong.push(format!("NO LONGER APPLIES  {} ({}): {error}", one.name, one.file.display()));
        }
    }
    if options.check || !wrong.is_empty() {
        for one in &wrong {
            println!("{one}");
        }
        println!("{} bugs, {} without their line", mutations.len(), wrong.len());
        return Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }

    let folder = tempfile::Builder::new().prefix("healer-mutants").tempdir()?;
    copy_workspace(folder.path())?;
    let target = options.target.unwrap_or_else(|| healer_tests::workspace().join("target/mutants"));
    let bench = Bench { folder: folder.path(), target, limit: options.limit };
    // Without a bug everything passes, or nothing below means anything. The first build has no limit.
    for command in mutations.iter().flat_map(|one| &one.tests).collect::<BTreeSet<_>>() {
        let output = Bench { limit: 0, target: bench.target.clone(), ..bench }.run(command)?;
        ensure!(output.status.success(), "{command} fails without any bug:\n{}", last_words(&output));
    }
    let mut caught = 0;
    for one in &mutations {
        let (file, start) = (folder.path().join(&one.file), Instant::now());
        let text = fs::read_to_string(&file)?;
        fs::write(&file, one.apply(&text)?)?;
        let verdict = bench.verdict(&one.tests)?;
        fs::write(&file, text)?;
        let seconds = start.elapsed().as_secs();
        match verdict {
            Verdict::Caught(by) => {
                caught += 1;
                println!("caught    {seconds:>3} s  {} <- {by}", one.name);
            }
            Verdict::Survived => println!("SURVIVED  {seconds:>3} s  {} ({})", one.name, one.file.display()),
            Verdict::Broken(why) => println!("BROKEN    {seconds:>3} s  {}:\n{why}", one.name),
        }
    }
    println!("{caught} of {} bugs were caught", mutations.len());
    Ok(if caught == mutations.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

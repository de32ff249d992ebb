//! Counts the instructions that a record costs, and holds them below a bound; see `docs/testing.md`.

use std::fs;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use healer_tests::{programs, workspace};

/// The bounds, from the workspace.
const BOUNDS: &str = "tests/instructions.txt";

/// Two runs whose difference leaves out the start: so many records each, whole chunks for all partitions.
const RECORDS: [u64; 2] = [10 * 2_048, 60 * 2_048];

/// Runs pipelines over records in memory under valgrind and compares the cost of a record with a bound. Fails above it.
#[derive(Debug, Parser)]
struct Options {
    /// How often each is counted; more than once shows that it is the same number each time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,

    /// Only this pipeline
    #[arg(long)]
    only: Option<String>,
}

/// The most that a pipeline's record, or the [`CUT`], may cost.
struct Bound {
    pipeline: String,
    most: f64,
}

/// The line that is no pipeline's: where a chain is cut, a record pays for a dynamic call.
const CUT: &str = "cut";

/// Chains of none, eleven and nine times eleven stages behind the first one. The first twelve nodes are one type with their source,
/// and behind each twelve lies a cut: none, none and eight.
const CHAINS: [&str; 3] = ["chain0", "chain11", "chain99"];

/// The cost of a cut: all that makes eleven stages dearer where there is one among them.
fn of_a_cut([none, eleven, nine_times]: [f64; 3]) -> f64 {
    (nine_times - eleven) / 8.0 - (eleven - none)
}

fn bounds() -> Result<Vec<Bound>> {
    let text = fs::read_to_string(workspace().join(BOUNDS)).with_context(|| format!("reading {BOUNDS}"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let bound = |line: &str| {
        let mut words = line.split_whitespace();
        let (pipeline, most) = words.next().zip(words.next())?;
        Some(Bound { pipeline: pipeline.to_owned(), most: most.parse().ok()? })
    };
    lines
        .map(|line| bound(line).with_context(|| format!("{BOUNDS}: no pipeline and bound in {line:?}")))
        .collect()
}

/// Builds the library that takes the place of the system's random numbers.
fn seed(folder: &Path) -> Result<PathBuf> {
    let library = folder.join("seed.so");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library);
    let built = command.arg(workspace().join("tests/examples/seed.c")).status();
    ensure!(
        built.context("a C compiler is needed (cc)")?.success(),
        "tests/examples/seed.c does not compile"
    );
    Ok(library)
}

/// How many instructions a run of the program takes; `profile` keeps where they were.
fn count(program: &Path, seed: &Path, run: (&str, u64), profile: &Path) -> Result<u64> {
    let (pipeline, records) = run;
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", profile.display()));
    command.arg(program).args([pipeline, &records.to_string()]).env("LD_PRELOAD", seed);
    let output =
        command.output().context("valgrind cannot be started: install it (apt-get install valgrind)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{pipeline} failed under valgrind ({}):\n{said}", output.status);
    let collected =
        said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    collected.and_then(|count| count.parse().ok()).with_context(|| format!("valgrind told no count:\n{said}"))
}

/// Runs pipelines under valgrind.
struct Counter {
    program: PathBuf,
    folder: PathBuf,
    seed: PathBuf,
}

impl Counter {
    fn new() -> Result<Self> {
        let program = programs::example("in_memory")?;
        let folder =
            program.parent().and_then(Path::parent).context("it lies in no folder")?.join("callgrind");
        fs::create_dir_all(&folder)?;
        let seed = seed(&folder)?;
        Ok(Self { program, folder, seed })
    }

    /// Where the instructions of a pipeline were.
    fn profile(&self, pipeline: &str) -> PathBuf {
        self.folder.join(format!("{pipeline}.out"))
    }

    /// Instructions per record.
    #[allow(clippy::cast_precision_loss)] // A count of instructions is far below the numbers that a float cannot hold exactly.
    fn per_record(&self, pipeline: &str) -> Result<f64> {
        let profile = self.profile(pipeline);
        let count = |records| count(&self.program, &self.seed, (pipeline, records), &profile);
        let [few, many] = [count(RECORDS[0])?, count(RECORDS[1])?];
        Ok(many.saturating_sub(few) as f64 / (RECORDS[1] - RECORDS[0]) as f64)
    }

    /// The cost that is bound, to a tenth.
    fn measure(&self, pipeline: &str) -> Result<f64> {
        let measured = if pipeline == CUT {
            let [none, eleven, nine_times] = CHAINS.map(|chain| self.per_record(chain));
            of_a_cut([none?, eleven?, nine_times?])
        } else {
            self.per_record(pipeline)?
        };
        Ok((measured * 10.0).round() / 10.0)
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let counter = Counter::new()?;
    let mut faults = Vec::new();
    let bounds = bounds()?;
    let known = |only: &String| bounds.iter().any(|bound| bound.pipeline == *only);
    ensure!(options.only.as_ref().is_none_or(known), "{BOUNDS} has no such pipeline");
    for Bound { pipeline, most } in bounds {
        if options.only.as_ref().is_some_and(|only| *only != pipeline) {
            continue;
        }
        let mut worst = f64::NEG_INFINITY;
        for _ in 0..options.times {
            let measured = counter.measure(&pipeline)?;
            worst = worst.max(measured);
            // The bound of a cut is a promise: it stays, also if a cut costs less.
            let lowers = pipeline != CUT && measured < most * 0.75;
            let lower = if lowers { "; the bound may be lowered" } else { "" };
            writeln!(stdout(), "  {pipeline}: {measured:.1} instructions per record, bound {most}{lower}")?;
        }
        if worst > most {
            let profile = counter.profile(if pipeline == CUT { CHAINS[2] } else { &pipeline });
            faults.push(format!(
                "{pipeline}: {worst:.1} instructions per record, bound {most}. See which functions they are in: \
                 callgrind_annotate {} | head -60, and compare with what it was before the change. If the change is worth it, \
                 write the new bound and the reason into {BOUNDS}.",
                profile.display()
            ));
        }
    }
    ensure!(faults.is_empty(), "a record costs more than it may\n{}", faults.join("\n"));
    Ok(())
}

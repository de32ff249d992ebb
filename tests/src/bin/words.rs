//! Counts words that hide the subject of a sentence, in comments, documentation and texts of errors; see `docs/testing.md`.

use std::fs;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use healer_tests::workspace;

/// Words that stand where a noun should.
const COUNTED: [&str; 5] = ["what", "who", "whoever", "whom", "whatever"];

/// The most of them in 1,000 words.
const MOST: f64 = 5.0;

/// How many files are named.
const WORST: usize = 10;

/// Folders and files with text.
const PLACES: [&str; 10] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs",
    "healer",
    "healer-macros",
    "healer-store",
    "examples",
    "tests",
    "benches",
];

/// Programs that must not compile, programs in other languages, and the products of builds.
const LEFT_OUT: [&str; 4] = ["ui", "java", "peers", "target"];

/// Strings of fewer words are names.
const SENTENCE: usize = 4;

/// Fails where comments, documentation and texts of errors have too many words that hide the subject of a sentence.
#[derive(Debug, Parser)]
struct Options {
    /// Names each line with such a word, in files whose path holds this text
    #[arg(long, value_name = "PART")]
    show: Option<String>,
}

/// The sentences of a file, with the number of their line.
struct Text {
    path: PathBuf,
    lines: Vec<(usize, String)>,
}

impl Text {
    fn read(path: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let of_page = path.extension().is_some_and(|extension| extension == "md");
        let lines = if of_page { page(&text) } else { program(&text) };
        Ok(Self { path, lines })
    }

    fn words(&self) -> usize {
        self.lines.iter().map(|(_, line)| words(line).count()).sum()
    }

    fn counted(&self) -> usize {
        self.lines.iter().map(|(_, line)| counted(line)).sum()
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty())
}

fn counted(line: &str) -> usize {
    words(line).filter(|word| COUNTED.iter().any(|one| word.eq_ignore_ascii_case(one))).count()
}

/// The lines of a page outside of its examples.
fn page(text: &str) -> Vec<(usize, String)> {
    let mut is_code = false;
    let mut is_text = |line: &str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| is_text(line))
        .map(|(at, line)| (at, line.to_owned()))
        .collect()
}

/// The comments of a program, and the strings in it that are sentences.
fn program(text: &str) -> Vec<(usize, String)> {
    let sentence = |line: &str| {
        if let Some((_, comment)) = line.split_once("// ").or_else(|| line.trim_start().split_once("//")) {
            return Some(comment.to_owned());
        }
        let strings = line.split('"').skip(1).step_by(2);
        let sentences: Vec<_> = strings.filter(|string| words(string).count() >= SENTENCE).collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    };
    (1..).zip(text.lines()).filter_map(|(at, line)| Some((at, sentence(line)?))).collect()
}

/// All files below a folder that have text, or the file itself.
fn files(place: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if place.is_file() {
        if place.extension().is_some_and(|extension| extension == "rs" || extension == "md") {
            found.push(place.to_owned());
        }
        return Ok(());
    }
    for entry in fs::read_dir(place).with_context(|| format!("reading {}", place.display()))? {
        let entry = entry?;
        if !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            files(&entry.path(), found)?;
        }
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss)] // A count of words is far below what a float holds exactly.
fn rate(counted: usize, words: usize) -> f64 {
    1_000.0 * counted as f64 / words.max(1) as f64
}

fn main() -> Result<()> {
    let options = Options::parse();
    let root = workspace();
    let mut paths = Vec::new();
    for place in PLACES {
        files(&root.join(place), &mut paths)?;
    }
    let texts: Vec<_> = paths.into_iter().map(Text::read).collect::<Result<_>>()?;
    let mut out = stdout();
    for Text { path, lines } in &texts {
        let path = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        if options.show.as_ref().is_some_and(|part| path.contains(part.as_str())) {
            for (at, line) in lines.iter().filter(|(_, line)| counted(line) > 0) {
                writeln!(out, "{path}:{at}: {}", line.trim())?;
            }
        }
    }
    let mut worst: Vec<_> = texts.iter().map(|text| (text.counted(), text)).collect();
    worst.sort_by_key(|(counted, _)| std::cmp::Reverse(*counted));
    for (counted, text) in worst.iter().take(WORST) {
        let path = text.path.strip_prefix(&root).unwrap_or(&text.path);
        writeln!(out, "{counted:4} in {}", path.display())?;
    }
    let (found, all) =
        texts.iter().fold((0, 0), |(found, all), text| (found + text.counted(), all + text.words()));
    let rate = rate(found, all);
    writeln!(out, "{found} of {all} words: {rate:.1} in 1,000, and {MOST} is too many")?;
    ensure!(rate < MOST, "sentences hide their subjects: write the noun instead ({})", COUNTED.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{counted, page, program};

    #[test]
    fn comments_and_sentences_are_text_and_names_and_examples_are_not() {
        let text = "//! Whatever it is.\nlet a = \"what it says here\"; // Who knows.\nlet what = \"who\";\n/// What\n";
        let lines = program(text);
        assert_eq!(lines.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(lines.iter().map(|(_, line)| counted(line)).sum::<usize>(), 3);
        let lines = program("let a = \"what it says here\";");
        assert_eq!(counted(&lines[0].1), 1);
        assert_eq!(page("Who.\n```\nlet what = 1;\n```\nWhat.\n").len(), 2);
    }
}

//! Asks a program over HTTP, as Prometheus and a kubelet do.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::common::LIMIT;

/// The status and the body of the answer at a path.
pub fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let no_http = || io::Error::other(format!("no answer of HTTP: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(no_http)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(no_http)?;
    Ok((status, body.to_owned()))
}

/// An answer of `/healthz` or `/readyz`.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub status: u16,
    pub body: Value,
}

impl Verdict {
    pub fn new((status, body): (u16, String)) -> Self {
        Self { status, body: serde_json::from_str(&body).expect(&body) }
    }

    /// The part about one pipeline.
    pub fn of(&self, pipeline: &str) -> &Value {
        let all = self.body["pipelines"].as_array().expect("a list of pipelines");
        all.iter().find(|said| said["name"] == pipeline).expect(pipeline)
    }
}

/// One number that is exported.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// All that is exported.
#[derive(Debug)]
pub struct Page(Vec<Sample>);

impl Page {
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(|line| sample(line).expect(line)).collect())
    }

    /// The sum of the samples with this name and these labels; `None` where there are none.
    pub fn float(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let is_meant = |sample: &&Sample| {
            let has = |(label, value): &(&str, &str)| sample.labels.get(*label).is_some_and(|is| is == value);
            sample.name == name && labels.iter().all(has)
        };
        let found: Vec<_> = self.0.iter().filter(is_meant).map(|sample| sample.value).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// The same sum as a whole number; 0 where there are no such samples.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> i64 {
        let value = self.float(name, labels).unwrap_or_default();
        format!("{value:.0}").parse().expect("a number")
    }

    /// The values of a label, over all that has this name.
    pub fn values(&self, name: &str, label: &str) -> Vec<&str> {
        let of_name = self.0.iter().filter(|sample| sample.name == name);
        of_name.filter_map(|sample| sample.labels.get(label).map(String::as_str)).collect()
    }

    /// The names of all that is exported, once a sample.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|sample| sample.name.as_str())
    }
}

/// `name{label="value",…} 1.5`; none of our labels holds a quotation mark.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, inside) = series.split_once('{').unwrap_or((series, "}"));
    let pairs = inside.strip_suffix('}')?.split_terminator("\",").map(|pair| pair.trim_end_matches('"'));
    let labels = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let (label, value) = pair.split_once("=\"")?;
        Some((label.trim_start_matches(',').to_owned(), value.to_owned()))
    });
    Some(Sample { name: name.to_owned(), labels: labels.collect::<Option<_>>()?, value: value.parse().ok()? })
}

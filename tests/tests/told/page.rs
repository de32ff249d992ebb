//! The page of metrics, as it is served. The recorder is the process's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;

use super::common::LIMIT;

struct Served {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
    _server: healer::observe::Server,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    // Of its own, since those of the tests end with them.
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let server = runtime.block_on(healer::observe::serve_metrics("127.0.0.1:0")).expect("a free port");
        Served { address: server.addr(), _runtime: runtime, _server: server }
    })
    .join()
    .expect("it is served")
});

/// Call this before a pipeline starts: counts without a recorder are lost.
pub fn serve() {
    LazyLock::force(&SERVED);
}

fn get(path: &str) -> String {
    let mut stream = TcpStream::connect(SERVED.address).expect("it listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    let question = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and hangs up");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

/// The values of a metric's samples in a pipeline.
pub fn samples(metric: &str, pipeline: &str) -> Vec<f64> {
    let page = get("/metrics");
    let is_meant = |line: &&str| {
        line.starts_with(&format!("{metric}{{")) && line.contains(&format!("pipeline=\"{pipeline}\""))
    };
    page.lines()
        .filter(is_meant)
        .map(|line| line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number"))
        .collect()
}

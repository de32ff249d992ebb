//! Reports posted to a server on this machine.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::{
    super::{FailureReport, FailureReporter, ReportError, Webhook},
    sample,
};

const LONG: Duration = Duration::from_secs(30);

/// A request that came in: its head in lower case, and its body.
struct Request {
    head: String,
    body: Vec<u8>,
}

/// A server that gives these answers, one a connection; returns its port, and the requests that come in.
fn serve(answers: &'static [&'static str]) -> (u16, mpsc::Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let (requests, came) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut from = BufReader::new(stream.try_clone().expect("a second end"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                let read = from.read_line(&mut head).expect("a line");
                assert_ne!(read, 0, "the request ends in its head: {head}");
            }
            let head = head.to_ascii_lowercase();
            let (_, length) = head.split_once("content-length: ").expect("it says how long it is");
            let length = length.lines().next().and_then(|length| length.parse().ok()).expect("a number");
            let mut body = vec![0; length];
            from.read_exact(&mut body).expect("the body");
            // Nobody listens any more where a test has failed.
            let _ = requests.send(Request { head, body });
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("it listens");
        }
    });
    (port, came)
}

fn not_taken(error: &(dyn std::error::Error + 'static)) -> (String, u32) {
    let Some(ReportError::NotTaken { why, attempts, .. }) = error.downcast_ref::<ReportError>() else {
        panic!("another error: {error}");
    };
    (why.clone(), *attempts)
}

#[test]
fn a_report_is_posted_again_until_the_server_takes_it() {
    let (port, came) = serve(&["500 Internal Server Error", "503 Service Unavailable", "200 OK"]);
    let webhook = Webhook::new(&format!("http://user:secret@127.0.0.1:{port}/hook?token=abc"))
        .expect("an address")
        .header("X-Team", "flights")
        .expect("a header")
        .timeout(LONG);
    webhook.report(&sample()).expect("the third attempt is taken");
    let requests: Vec<_> = came.iter().collect();
    assert_eq!(requests.len(), 3);
    for Request { head, body } in requests {
        assert!(head.starts_with("post /hook?token=abc http/1.1\r\n"), "{head}");
        for line in [
            "content-type: application/json\r\n",
            "x-team: flights\r\n",
            // Of `user:secret`, in lower case as all of it.
            "authorization: basic dxnlcjpzzwnyzxq=\r\n",
            concat!("user-agent: healer/", env!("CARGO_PKG_VERSION"), "\r\n"),
        ] {
            assert!(head.contains(line), "no {line} in {head}");
        }
        assert!(FailureReport::from_json(&body).expect("it is a report") == sample());
    }
}

#[test]
fn a_report_that_the_server_will_not_have_is_posted_once() {
    let (port, came) = serve(&["404 Not Found"]);
    let webhook = Webhook::new(&format!("http://127.0.0.1:{port}/")).expect("an address");
    let error = webhook.report(&sample()).expect_err("it is not taken");
    assert_eq!(not_taken(&*error), ("it answered 404 Not Found".to_owned(), 1));
    assert_eq!(came.iter().count(), 1);
}

#[test]
fn a_redirect_is_not_followed() {
    let (port, came) = serve(&["302 Found\r\nlocation: http://127.0.0.1:9/"]);
    let webhook = Webhook::new(&format!("http://127.0.0.1:{port}/")).expect("an address");
    let error = webhook.report(&sample()).expect_err("it is not taken");
    assert_eq!(not_taken(&*error).1, 1, "{error}");
    assert_eq!(came.iter().count(), 1);
}

#[test]
fn it_is_tried_three_times_and_no_secret_is_told() {
    let (port, came) = serve(&["500 No", "500 No", "500 No"]);
    let webhook = |port: u16| {
        Webhook::new(&format!("http://user:secret@127.0.0.1:{port}/private?token=abc"))
            .expect("an address")
            .header("x-key", "opensesame")
            .expect("a header")
    };
    let refused = webhook(port).report(&sample()).expect_err("it is not taken");
    assert_eq!(not_taken(&*refused), ("it answered 500 Internal Server Error".to_owned(), 3));
    assert_eq!(came.iter().count(), 3);

    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let unreachable = webhook(closed).report(&sample()).expect_err("nobody is there");
    assert_eq!(not_taken(&*unreachable).1, 3, "{unreachable}");

    let shown = format!("{unreachable:?} {:?}", webhook(port));
    for text in [refused.to_string(), unreachable.to_string(), shown] {
        assert!(text.contains("http://127.0.0.1:"), "{text}");
        for secret in ["user", "secret", "private", "token", "abc", "opensesame"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    // It takes connections, as the system does for it, and never looks at them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("it is bound").port();
    let webhook = Webhook::new(&format!("http://127.0.0.1:{port}/")).expect("an address");
    let began = Instant::now();
    let error = webhook.timeout(Duration::from_millis(50)).report(&sample()).expect_err("no answer");
    assert_eq!(not_taken(&*error), ("no answer within 50ms".to_owned(), 3));
    assert!(began.elapsed() < LONG);
}

#[test]
fn what_is_no_address_or_header_is_refused_without_being_shown() {
    for url in ["", "hooks", "ftp://secret@host/", "http://", "/secret", "http://ho st/secret"] {
        let error = Webhook::new(url).expect_err(url).to_string();
        assert!(!error.contains("secret"), "{error}");
    }
    let webhook = || Webhook::new("https://hooks.example.com/").expect("an address");
    for (name, value) in [("bad name", "secret"), ("x-key", "secret\nx-other: 1")] {
        let error = webhook().header(name, value).expect_err(name).to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

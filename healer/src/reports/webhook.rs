//! Reports posted to an address.

use std::{fmt, net::IpAddr, thread, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use ureq::{
    Agent,
    http::{HeaderName, HeaderValue, Uri, header::CONTENT_TYPE},
};

use super::{FailureReport, FailureReporter, ReportError};
use crate::error::BoxError;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Posts each report, as JSON, to an address.
///
/// The report is taken once the answer is a success (2xx). Where no answer comes, or one of the server's errors (5xx), it
/// is sent again: three attempts in all, with 100 ms to 1 s between them. The same report may so arrive twice. Redirects are
/// not followed. A proxy is used as `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say, except to this machine itself.
///
/// Errors and logs show scheme, host and port, but no more of the address, and no value of a header: these may be secrets.
///
/// ```
/// use std::time::Duration;
///
/// use healer::reports::Webhook;
///
/// let webhook = Webhook::new("https://failures.example.com/healer?team=flights")?
///     .header("authorization", "Bearer 5f2d8e7b")?
///     .timeout(Duration::from_secs(2));
/// # Ok::<(), healer::reports::ReportError>(())
/// ```
pub struct Webhook {
    uri: Uri,
    /// The part of it that may be shown: scheme, host and port.
    shown: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
    agent: Agent,
}

/// Why an attempt failed.
struct Refused {
    why: String,
    /// Whether another attempt may do better.
    again: bool,
}

impl Webhook {
    /// An address, `http` or `https`. `user:password@` before the host becomes basic authentication.
    ///
    /// # Errors
    /// [`ReportError::Setup`] if it is no such address.
    pub fn new(url: &str) -> Result<Self, ReportError> {
        // The text of the parser's own error does not show the address.
        let uri = url.parse::<Uri>().map_err(|error| {
            ReportError::setup(format!("the webhook's address is none ({error}); one is https://host/path"))
        })?;
        let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), uri.host()) else {
            let why = "the webhook's address must begin with http:// or https:// and have a host";
            return Err(ReportError::setup(why));
        };
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{scheme}://{host}{port}");
        let agent = agent(host, TIMEOUT);
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok(Self { uri, shown, headers, timeout: TIMEOUT, agent })
    }

    /// How long one attempt may take, from the look-up of the host to the answer; 5 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.agent = agent(self.uri.host().unwrap_or_default(), timeout);
        self
    }

    /// A header of each request, in place of an earlier one of that name.
    ///
    /// # Errors
    /// [`ReportError::Setup`] if name or value may not stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, ReportError> {
        let name = name.parse::<HeaderName>().map_err(|_| {
            ReportError::setup("the name of a header may have letters, digits and !#$%&'*+-.^_`|~ only")
        })?;
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            ReportError::setup(format!("the value of the header {name} may have visible ASCII only"))
        })?;
        value.set_sensitive(true);
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        Ok(self)
    }

    fn post(&self, json: &[u8]) -> Result<(), Refused> {
        let mut request = self.agent.post(self.uri.clone());
        for (name, value) in &self.headers {
            request = request.header(name.clone(), value.clone());
        }
        let status = request.send(json).map_err(|error| self.refused(&error))?.status();
        if status.is_success() {
            return Ok(());
        }
        Err(Refused { why: format!("it answered {status}"), again: status.is_server_error() })
    }

    /// A text for an error that may be shown: some errors' own texts show the address.
    fn refused(&self, error: &ureq::Error) -> Refused {
        use ureq::Error::{
            ConnectProxyFailed, ConnectionFailed, HostNotFound, Io, Protocol, Rustls, Timeout, Tls,
        };

        let (why, again) = match error {
            Io(error) => (error.to_string(), true),
            Timeout(_) => (format!("no answer within {}", humantime::format_duration(self.timeout)), true),
            HostNotFound => ("there is no such host".to_owned(), true),
            ConnectionFailed => ("no connection".to_owned(), true),
            ConnectProxyFailed(_) => ("the proxy makes no connection to it".to_owned(), true),
            Protocol(_) => ("its answer is not HTTP/1.1".to_owned(), true),
            Rustls(error) => (error.to_string(), true),
            Tls(why) => ((*why).to_owned(), false),
            _ => ("the request can't be made".to_owned(), false),
        };
        Refused { why, again }
    }
}

impl FailureReporter for Webhook {
    fn report(&self, report: &FailureReport) -> Result<(), BoxError> {
        let json = report.to_json();
        let mut pauses = pauses();
        let mut attempts = 1;
        loop {
            let Err(refused) = self.post(&json) else { return Ok(()) };
            let Some(pause) = pauses.next().filter(|_| refused.again) else {
                let to = self.shown.clone();
                return Err(ReportError::NotTaken { to, why: refused.why, attempts }.into());
            };
            thread::sleep(pause);
            attempts += 1;
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("to", &self.shown).finish_non_exhaustive()
    }
}

/// Between the attempts: one less than there are of these.
fn pauses() -> ExponentialBackoff {
    let pauses = ExponentialBuilder::new().with_min_delay(Duration::from_millis(100));
    pauses.with_max_delay(Duration::from_secs(1)).with_max_times(2).build()
}

fn agent(host: &str, timeout: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .timeout_global(Some(timeout))
        // A report must not wander off to where a redirect points.
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("healer/", env!("CARGO_PKG_VERSION")));
    if is_this_machine(host) {
        config = config.proxy(None);
    }
    Agent::new_with_config(config.build())
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

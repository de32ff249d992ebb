//! A receiver of OTLP over gRPC, as a collector is one.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{self as proto, span::SpanKind, status::StatusCode};
use tonic::transport::{Server, server::TcpIncoming};
use tonic::{Request, Response, Status};

/// It listens on a port of its own until the test program ends.
pub struct Collector {
    pub port: u16,
    spans: Arc<Mutex<Vec<Span>>>,
}

/// A span as it came in.
#[derive(Clone, Debug)]
pub struct Span {
    pub service: String,
    pub trace: String,
    pub id: String,
    /// Empty where there is none.
    pub parent: String,
    pub state: String,
    /// The path of a node.
    pub name: String,
    pub kind: SpanKind,
    /// Nanoseconds since 1970.
    pub start: u64,
    pub end: u64,
    pub attributes: BTreeMap<String, String>,
    /// The traces and spans that it has links to.
    pub links: Vec<(String, String)>,
    /// The message of an error.
    pub error: Option<String>,
}

impl Span {
    /// The name of the node.
    pub fn node(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.end - self.start)
    }

    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub fn is_within(&self, other: &Self) -> bool {
        other.start <= self.start && self.end <= other.end
    }

    fn new(service: &str, span: proto::Span) -> Self {
        let status = span.status.unwrap_or_default();
        let links = span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id)));
        Self {
            service: service.to_owned(),
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            state: span.trace_state,
            name: span.name,
            kind: SpanKind::try_from(span.kind).expect("a kind that is known"),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            attributes: texts(span.attributes),
            links: links.collect(),
            error: (status.code == StatusCode::Error as i32).then_some(status.message),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is_so)) => is_so.to_string(),
        other => panic!("{other:?} is nothing that healer sends"),
    };
    attributes.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

impl Collector {
    pub fn start() -> Self {
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        listener.set_nonblocking(true).expect("it can be made so");
        let port = listener.local_addr().expect("an address").port();
        let service = TraceServiceServer::new(Service(Arc::clone(&spans)));
        // Its runtime is its own: it listens also while a test blocks its thread.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        thread::spawn(move || {
            runtime.block_on(async {
                let incoming =
                    TcpIncoming::from(tokio::net::TcpListener::from_std(listener).expect("a runtime"));
                Server::builder().add_service(service).serve_with_incoming(incoming).await
            })
        });
        Self { port, spans }
    }

    /// All spans that came in, in the order of their begins.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        spans.sort_by_key(|span| span.start);
        spans
    }
}

struct Service(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for of_resource in request.into_inner().resource_spans {
            let resource = texts(of_resource.resource.unwrap_or_default().attributes);
            let service = resource.get("service.name").map_or("", String::as_str);
            let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
            all.extend(spans.map(|span| Span::new(service, span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

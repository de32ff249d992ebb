//! Why there is no server.

use std::io;

/// Why metrics or health are not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is none, or its host is not known.
    #[error(
        "`{address}` is no address to listen at: {reason}; write host and port, such as \"127.0.0.1:8000\""
    )]
    Address {
        /// As it was given.
        address: String,
        /// Why it is no address.
        reason: io::Error,
    },
    /// Somebody listens there already.
    #[error(
        "{address} is in use, by another process or another server of this one: \
         end that one, or choose another port (0 for any that is free)"
    )]
    InUse {
        /// As it was given.
        address: String,
    },
    /// The system does not let this process listen there.
    #[error(
        "can't listen at {address}: {reason}; the host must be this machine's own, \
         and ports below 1024 are mostly for privileged processes"
    )]
    Listen {
        /// As it was given.
        address: String,
        /// The error of the system.
        reason: io::Error,
    },
    /// This process has a recorder of its own.
    #[error(
        "this process has a recorder of metrics of its own already: it gets healer's metrics too, so export them there, \
         and use `healer::observe::serve_health` for /healthz and /readyz"
    )]
    OtherRecorder,
    /// No recorder of healer's was asked for.
    #[error(
        "no recorder of healer's keeps the metrics of this process, so there are none to render: call `healer::observe::init_metrics` \
         before pipelines are started, or render those of the recorder that you installed"
    )]
    NoRecorder,
    /// The thread that tidies up metrics cannot be started.
    #[error("no thread could be started to look after the metrics: {reason}; the machine is at a limit")]
    Thread {
        /// The error of the system.
        reason: io::Error,
    },
}

impl ServeError {
    pub(super) fn listen(address: &str, reason: io::Error) -> Self {
        let address = address.to_owned();
        match reason.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            _ => Self::Listen { address, reason },
        }
    }
}

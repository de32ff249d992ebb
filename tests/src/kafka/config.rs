//! How a broker is set up: options of the test, ports, and the file that the broker reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result, bail};

use super::room::Room;
use crate::workspace;

/// The user of the SASL listener.
pub const SASL_USER: &str = "healer";
/// The password of [`SASL_USER`].
pub const SASL_PASSWORD: &str = "healer-secret";

/// How a broker of a test differs from the usual one.
#[derive(Clone, Debug)]
pub struct RealKafkaOptions {
    /// Asks for a second listener, with `SASL_PLAINTEXT` and the mechanism `PLAIN`; its address is
    /// [`sasl_brokers`](super::RealKafka::sasl_brokers). The first one stays as it is.
    pub sasl: bool,
    /// Broker properties that are added to `tests/kafka/server.properties`, or win over it.
    pub properties: Vec<(String, String)>,
    /// The most memory that the broker's heap takes, as Java writes it; `512m` by default.
    pub heap: String,
}

impl Default for RealKafkaOptions {
    fn default() -> Self {
        Self { sasl: false, properties: Vec::new(), heap: "512m".to_owned() }
    }
}

/// Where a broker listens, on loopback.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) plain: u16,
    pub(super) controller: u16,
    pub(super) sasl: u16,
}

impl Ports {
    /// Three ports that nobody listens on now.
    ///
    /// They lie below those that systems give to outgoing connections: a client that tries again and again
    /// while the broker is down must not be given the broker's own port.
    pub(super) fn free() -> Result<Self> {
        let mut found = BTreeSet::new();
        for salt in 0..200 {
            let port = 10_000 + u16::try_from(random(salt) % 20_000)?;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                found.insert(port);
            }
            if let &[plain, controller, sasl] = &*found.iter().copied().collect::<Vec<_>>() {
                return Ok(Self { plain, controller, sasl });
            }
        }
        bail!("no three free ports between 10000 and 30000");
    }
}

fn random(salt: u32) -> u64 {
    RandomState::new().hash_one(salt)
}

/// A name for a new cluster: 16 bytes as 22 characters of base64, the last of which holds two bits.
pub(super) fn cluster_id() -> String {
    let letter = |at| char::from(b'A' + u8::try_from(random(at) % 26).unwrap_or(0));
    let mut id: String = (0..21).map(letter).collect();
    id.push('A');
    id
}

/// Writes the properties of this room's broker.
pub(super) fn write(room: &Room, ports: Ports, options: &RealKafkaOptions) -> Result<()> {
    let template = workspace().join("tests/kafka/server.properties");
    let template =
        fs::read_to_string(&template).with_context(|| format!("{} cannot be read", template.display()))?;
    let mut text = String::new();
    for line in template.lines() {
        let mut line = line.to_owned();
        if !options.sasl {
            line = line.replace(",SASL_PLAINTEXT://127.0.0.1:@SASL_PORT@", "");
        }
        // The last one of a name would win too, but the broker would warn of it at every start.
        let name = line.split_once('=').map(|(name, _)| name);
        if options.properties.iter().any(|(key, _)| Some(key.as_str()) == name) {
            continue;
        }
        writeln!(text, "{line}")?;
    }
    if options.sasl {
        writeln!(text, "sasl.enabled.mechanisms=PLAIN")?;
        writeln!(
            text,
            "listener.name.sasl_plaintext.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required \
             user_{SASL_USER}=\"{SASL_PASSWORD}\";"
        )?;
    }
    for (key, value) in &options.properties {
        writeln!(text, "{key}={value}")?;
    }
    let text = text
        .replace("@PORT@", &ports.plain.to_string())
        .replace("@CONTROLLER_PORT@", &ports.controller.to_string())
        .replace("@SASL_PORT@", &ports.sasl.to_string())
        .replace("@DATA_DIR@", &room.data().to_string_lossy());
    fs::write(room.properties(), text)?;
    Ok(())
}

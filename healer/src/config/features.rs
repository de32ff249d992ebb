//! Client properties that need a cargo feature: librdkafka is compiled without TLS, Kerberos and zstd by default,
//! and its own answer ("not available at build time") does not name the feature of healer.

use super::names::canonical;

/// The cargo features of healer that add to librdkafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Features {
    pub(super) ssl: bool,
    pub(super) gssapi: bool,
    pub(super) zstd: bool,
}

impl Features {
    /// Those that this program was built with.
    pub(super) const BUILT: Self = Self {
        // `ssl-vendored` enables `ssl`, and rdkafka's `gssapi` brings its own `ssl`
        ssl: cfg!(any(feature = "ssl", feature = "ssl-vendored", feature = "gssapi")),
        gssapi: cfg!(feature = "gssapi"),
        zstd: cfg!(feature = "zstd"),
    };
}

/// The names for errors.
pub(super) const SSL: &str = "ssl";
pub(super) const GSSAPI: &str = "gssapi";
pub(super) const ZSTD: &str = "zstd";

/// The feature that this property needs and that is not there.
pub(super) fn missing(features: Features, name: &str, value: &str) -> Option<&'static str> {
    let name = canonical(name);
    let value = value.trim().to_ascii_lowercase();
    let (feature, enabled) = match name {
        "security.protocol" if value == "ssl" || value == "sasl_ssl" => (SSL, features.ssl),
        "enable.ssl.certificate.verification"
        | "sasl.oauthbearer.config"
        | "enable.sasl.oauthbearer.unsecure.jwt" => (SSL, features.ssl),
        "sasl.mechanisms" if value == "gssapi" => (GSSAPI, features.gssapi),
        "sasl.mechanisms" if value.starts_with("scram-") || value == "oauthbearer" => (SSL, features.ssl),
        "compression.codec" if value == "zstd" => (ZSTD, features.zstd),
        name if name.starts_with("ssl.") => (SSL, features.ssl),
        name if name.starts_with("sasl.kerberos.") => (GSSAPI, features.gssapi),
        _ => return None,
    };
    (!enabled).then_some(feature)
}

/// `ssl` can be had in two ways.
pub(super) fn how_to_enable(feature: &str) -> String {
    let or = if feature == SSL { " or `ssl-vendored`" } else { "" };
    format!("build with the cargo feature `{feature}`{or} of healer, or remove the property")
}

//! Passwords, keys and tokens must not reach a log, an error or a terminal: every text of this module that shows a
//! value goes through [`shown`].

use std::borrow::Cow;

/// Stands in the place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// The longest value shown, in characters; a longer one is cut.
const LONGEST: usize = 300;

/// Parts of a property's name that make its value a secret.
const SECRET_PARTS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "jaas",
    "private.key",
    "api.key",
    "ssl.key",
    "oauthbearer.config",
    "user.info",
];

/// The properties of `sasl.*` and `ssl.*` that are *not* secret. All others are, so that a password behind a misspelled name
/// (`sasl.pasword`) stays hidden as well.
const OPEN_PROPERTIES: [&str; 17] = [
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.kerberos.service.name",
    "sasl.kerberos.principal",
    "sasl.kerberos.keytab",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.client.id",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.crl.location",
    "ssl.keystore.location",
    "ssl.cipher.suites",
    "ssl.endpoint.identification.algorithm",
    "ssl.providers",
];

/// Whether the value of this property must not be shown.
pub(crate) fn is_secret(name: &str) -> bool {
    // a name from the environment or a typing slip may carry other separators
    let name = name.trim().to_ascii_lowercase().replace(['_', '-'], ".");
    let name = name.strip_prefix("topic.").unwrap_or(&name);
    SECRET_PARTS.iter().any(|part| name.contains(part))
        || name.rsplit('.').next() == Some("pem")
        || ((name.starts_with("sasl") || name.starts_with("ssl")) && !OPEN_PROPERTIES.contains(&name))
}

/// The part of a property's name that may be shown: the text behind a sign that no name holds may be a value that went
/// astray (`.set("sasl.password=…", "")`).
pub(crate) fn name(name: &str) -> &str {
    name.split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).next().unwrap_or_default()
}

/// A value as it may be shown: secrets and the `user:password@` of addresses redacted, control characters escaped
/// (one line, and no terminal sequences), long ones cut.
pub(crate) fn shown(name: &str, value: &str) -> String {
    if is_secret(name) {
        return REDACTED.to_owned();
    }
    let value = without_credentials(value);
    let mut text = String::with_capacity(value.len().min(LONGEST));
    for (n, c) in value.chars().enumerate() {
        if n == LONGEST {
            text.push('…');
            break;
        }
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// Replaces the part before the last `@`, where it may be `user:password` (a password may hold `,`, `/` and `@`).
fn without_credentials(value: &str) -> Cow<'_, str> {
    let Some((before, host)) = value.rsplit_once('@') else {
        return Cow::Borrowed(value);
    };
    if !before.contains(':') {
        return Cow::Borrowed(value);
    }
    let scheme = match before.split_once("://") {
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => scheme,
        _ => "",
    };
    let separator = if scheme.is_empty() { "" } else { "://" };
    Cow::Owned(format!("{scheme}{separator}{REDACTED}@{host}"))
}

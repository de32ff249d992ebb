use super::{complete, refused};
use crate::config::{
    Config,
    features::Features,
    redact::{is_secret, shown},
};

const SECRET: &str = "hunter2";
const ALL: Features = Features { ssl: true, gssapi: true, zstd: true };

#[test]
fn names_of_secrets_are_known_however_they_are_written() {
    for name in [
        "sasl.password",
        "SASL_PASSWORD",
        "topic.sasl.password",
        "sasl.pasword",
        "sasl.jaas.config",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.assertion.private.key.pem",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "ssl.key.pem",
        "ssl.key.password",
        "ssl.keystore.password",
        "ssl_key",
        "ssl.certificate.pem",
        "ssl.ca.pem",
        "https.ca.pem",
        "my.token",
        "schema.registry.basic.auth.user.info",
    ] {
        assert!(is_secret(name), "{name}");
        assert_eq!(shown(name, SECRET), "[redacted]");
    }
    for name in
        ["sasl.username", "sasl.mechanism", "ssl.ca.location", "client.id", "group", "brokers", "linger.ms"]
    {
        assert!(!is_secret(name), "{name}");
    }
}

#[test]
fn credentials_in_addresses_are_hidden_and_the_host_is_not() {
    for (value, hidden) in [
        ("user:hunter2@kafka:9092", "[redacted]@kafka:9092"),
        ("SASL_SSL://user:hunter2@kafka:9092", "SASL_SSL://[redacted]@kafka:9092"),
        ("a:1,user:hunt,hunter2@b:2", "[redacted]@b:2"),
        ("user:x@hunter2@b:2", "[redacted]@b:2"),
        ("https://hunter2@host/path", "https://[redacted]@host/path"),
        ("kafka/host@REALM", "kafka/host@REALM"),
        ("a:1,b:2", "a:1,b:2"),
    ] {
        assert_eq!(shown("brokers", value), hidden);
    }
}

#[test]
fn a_secret_shows_in_no_text_of_a_right_configuration() {
    let builder = complete()
        .set("sasl.password", SECRET)
        .set("sasl.username", "alice")
        .set("ssl.key.pem", format!("-----BEGIN\n{SECRET}"))
        .set("client.id", format!("https://me:{SECRET}@host"));
    let builder_text = format!("{builder:?} {builder:#?}");
    let Ok(config) = builder.build_for(ALL) else { panic!("refused") };
    for text in [config.print().to_string(), format!("{config:?}"), format!("{config:#?}"), builder_text] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(config.print().to_string().contains("sasl.username = alice  # builder"));
    assert_eq!(config.consumer_properties()["sasl.password"], SECRET, "the client gets the real one");
}

#[test]
fn a_secret_shows_in_no_error_also_not_in_the_one_about_it() {
    let zero = format!("{SECRET}\0");
    for builder in [
        complete().set("sasl.password", zero.clone()),
        complete()
            .set("sasl.oauthbearer.client.secret", SECRET)
            .set("sasl.oauthbearer.client.credentials.client.secret", "another"),
        complete().set("ssl_key", SECRET),
        complete().set(format!("sasl.password={SECRET}"), ""),
        complete().set("sasl.pasword", zero),
        complete().from_vars([(format!("HEALER_KAFKA_SASL PASSWORD={SECRET}"), SECRET)]),
        Config::builder().brokers(format!("alice:{SECRET}@kafka:9092")),
        Config::builder().from_vars([("HEALER_BROKERS", format!("SSL://alice:{SECRET}@kafka:9092"))]),
    ] {
        let builder_text = format!("{builder:?}");
        let error = refused(builder);
        for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}"), builder_text] {
            assert!(!text.contains(SECRET), "{text}");
        }
    }
    #[cfg(not(feature = "ssl"))]
    {
        let error = refused(complete().set("ssl.key.pem", SECRET));
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    }
}

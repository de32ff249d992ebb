//! The users' view: right and wrong settings, the environment, the clients' properties, and that secrets stay hidden.

mod durations;
mod environment;
mod operate;
mod properties;
mod secrets;
mod settings;
mod table;
mod texts;

use super::{Config, ConfigBuilder, ConfigError, WrongSetting};

/// A builder that lacks nothing.
fn complete() -> ConfigBuilder {
    Config::builder().brokers("localhost:9092")
}

/// The faults of a builder that is expected to be wrong.
fn refused(builder: ConfigBuilder) -> ConfigError {
    match builder.build() {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(error) => error,
    }
}

/// The one setting that is expected to be wrong.
fn one(builder: ConfigBuilder) -> WrongSetting {
    let error = refused(builder);
    assert_eq!(error.wrong().len(), 1, "{error}");
    error.wrong()[0].clone()
}

fn built(builder: ConfigBuilder) -> Config {
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

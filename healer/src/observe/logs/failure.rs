//! The error that a program ends with, as a line of its log: also where it comes before anybody has begun to log.

use std::{error::Error as StdError, iter::successors};

use tracing::dispatcher;

use super::init_logs;
use crate::{
    Config, ConfigError, Error,
    config::{LogSettings, WrongSetting},
};

/// Logs the error that a program ends with, so that it is JSON where JSON is asked for: settings that are wrong as well, which are found
/// before [`init_logs`] can be called.
///
/// A [`ConfigError`] is a line at ERROR for each wrong setting (fields `setting`, `value`, `source`, `allowed`) and one at WARN for each
/// hint; any other error is one line with its causes. Where nobody logs yet, logging begins here, as the configuration says, as
/// far as it is right: by `HEALER_LOG_JSON` and `HEALER_LOG_LEVEL` in the environment, or by the program's own settings.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use healer::{Config, observe};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// #     let config = Config::from_env()?;
/// #     observe::init_logs(config.logs())?;
/// #     Ok(())
/// # }
/// fn main() -> ExitCode {
///     match run() {
///         Ok(()) => ExitCode::SUCCESS,
///         Err(error) => {
///             observe::log_error(&*error);
///             ExitCode::FAILURE
///         }
///     }
/// }
/// ```
pub fn log_error(error: &(dyn StdError + 'static)) {
    if !dispatcher::has_been_set() {
        // An error says that somebody else has begun to log meanwhile.
        let _ = init_logs(&settings_for(error));
    }
    tell(error);
}

/// The settings that were asked for, as far as they are right.
fn settings_for(error: &(dyn StdError + 'static)) -> LogSettings {
    config_error(error).map_or_else(|| Config::builder().from_env().logs(), |wrong| wrong.logs().clone())
}

fn config_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e ConfigError> {
    successors(Some(error), |error| (*error).source()).find_map(|error| {
        match (error.downcast_ref::<ConfigError>(), error.downcast_ref::<Error>()) {
            (Some(wrong), _) => Some(wrong),
            (None, Some(Error::Config(wrong))) => Some(&**wrong),
            (None, _) => None,
        }
    })
}

fn tell(error: &(dyn StdError + 'static)) {
    let Some(config) = config_error(error) else {
        tracing::error!(error, "the program ends");
        return;
    };
    for wrong in config.wrong() {
        tell_setting(wrong);
    }
    config.hints().iter().for_each(|hint| tracing::warn!("{hint}"));
}

fn tell_setting(wrong: &WrongSetting) {
    tracing::error!(
        setting = wrong.key(),
        value = wrong.value(),
        source = %wrong.source(),
        allowed = wrong.what_is_allowed(),
        "a setting is wrong: {wrong}"
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tracing::subscriber::with_default;
    use tracing_subscriber::{layer::SubscriberExt as _, registry};

    use super::{config_error, settings_for, tell};
    use crate::{
        Config, ConfigError, Error,
        observe::{LogLayer, logs::tests::Written},
    };

    const VARS: [(&str, &str); 4] = [
        ("ENABLE_JSON_LOGGING", "yes"),
        ("HEALER_COMMIT_INTERVAL", "soon"),
        ("HEALER_IN_FLIGHT", "0"),
        ("HEALER_BROKER", "localhost:9092"),
    ];

    fn wrong() -> ConfigError {
        Config::builder().from_vars(VARS).build().unwrap_err()
    }

    fn lines(error: &(dyn std::error::Error + 'static)) -> Vec<Value> {
        let written = Written::default();
        with_default(registry().with(LogLayer::json(written.clone())), || tell(error));
        written.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_wrong_setting_is_a_line_and_so_is_each_hint() {
        let lines = lines(&wrong());
        let said: Vec<_> = lines.iter().map(|line| (&line["level"], &line["fields"]["setting"])).collect();
        let error = json!("ERROR");
        let (brokers, interval, in_flight) = (json!("brokers"), json!("commit_interval"), json!("in_flight"));
        let wanted = [
            (&error, &brokers),
            (&error, &interval),
            (&error, &in_flight),
            (&json!("WARNING"), &Value::Null),
        ];
        assert_eq!(said, wanted, "{lines:?}");
        let interval = &lines[1]["fields"];
        assert_eq!((&interval["value"], &lines[0]["fields"]["value"]), (&json!("soon"), &Value::Null));
        assert!(interval["source"].as_str().unwrap().contains("HEALER_COMMIT_INTERVAL"), "{interval}");
        assert!(lines[3]["msg"].as_str().unwrap().contains("HEALER_BROKERS"), "{}", lines[3]);
    }

    #[test]
    fn what_was_asked_of_logs_is_known_also_where_the_rest_is_wrong_and_behind_other_errors() {
        assert!(wrong().logs().json && settings_for(&wrong()).json);
        let wrapped = Error::from(wrong());
        assert!(config_error(&wrapped).is_some() && settings_for(&wrapped).json);
        let by_code = Config::builder().log_json(true).log_level("WARN").build().unwrap_err();
        assert_eq!((settings_for(&by_code).json, settings_for(&by_code).level.as_str()), (true, "WARN"));
    }

    #[test]
    fn any_other_error_is_a_line_with_its_causes() {
        let lines = lines(&Error::Broker("the broker gave up".to_owned()));
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (&lines[0]["level"], &lines[0]["exc_info"]),
            (&json!("ERROR"), &json!("the broker gave up"))
        );
    }
}

//! Which events are logged: a level by its name here or in Python, or directives.

use tracing_subscriber::EnvFilter;

use super::LogsError;

/// The filter that a setting asks for.
pub(super) fn filter(level: &str) -> Result<EnvFilter, LogsError> {
    let wrong = |problem: String| LogsError::Level { level: level.to_owned(), problem };
    let parts: Vec<_> = level.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [] => return Err(wrong("it is empty".to_owned())),
        // As a directive a word is a target: all of it is shown, and nothing of others. The user hardly means that.
        [word] if named(word).is_none() && !word.contains(['=', '[']) => {
            return Err(wrong("it is no level".to_owned()));
        }
        _ => {}
    }
    let directives: Vec<_> = parts.into_iter().map(directive).collect();
    EnvFilter::try_new(directives.join(",")).map_err(|error| wrong(error.to_string()))
}

/// A directive with its level as `tracing` calls it.
fn directive(part: &str) -> String {
    match part.rsplit_once('=') {
        Some((what, level)) => match named(level.trim()) {
            Some(level) => format!("{what}={level}"),
            None => part.to_owned(),
        },
        None => named(part).unwrap_or(part).to_owned(),
    }
}

fn named(text: &str) -> Option<&'static str> {
    let level = match text.to_ascii_uppercase().as_str() {
        "OFF" => "off",
        "CRITICAL" | "FATAL" | "ERROR" => "error",
        "WARNING" | "WARN" => "warn",
        "INFO" => "info",
        "DEBUG" => "debug",
        "TRACE" | "NOTSET" => "trace",
        _ => return None,
    };
    Some(level)
}

#[cfg(test)]
mod tests {
    use tracing::level_filters::LevelFilter;

    use super::filter;

    #[test]
    fn levels_are_known_by_their_names_here_and_in_python() {
        for (text, level) in [
            ("DEBUG", LevelFilter::DEBUG),
            ("info", LevelFilter::INFO),
            (" Warning ", LevelFilter::WARN),
            ("WARN", LevelFilter::WARN),
            ("error", LevelFilter::ERROR),
            ("CRITICAL", LevelFilter::ERROR),
            ("fatal", LevelFilter::ERROR),
            ("TRACE", LevelFilter::TRACE),
            ("NOTSET", LevelFilter::TRACE),
            ("off", LevelFilter::OFF),
        ] {
            let filter = filter(text).unwrap();
            assert_eq!(filter.max_level_hint(), Some(level), "{text}");
        }
    }

    #[test]
    fn directives_may_use_these_names_as_well() {
        let filter = filter("WARNING, healer=DEBUG,hyper=CRITICAL,").unwrap();
        let mut directives: Vec<_> = filter.to_string().split(',').map(str::to_owned).collect();
        directives.sort();
        assert_eq!(directives, ["healer=debug", "hyper=error", "warn"]);
    }

    #[test]
    fn what_is_no_level_is_refused_with_what_is_allowed() {
        for text in ["verbose", "", " , ", "healer=loud", "3"] {
            let error = filter(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")) && error.contains("WARNING"), "{error}");
        }
    }
}

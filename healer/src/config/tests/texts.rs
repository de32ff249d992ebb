use super::{built, complete, one};

#[test]
fn levels_are_kept_in_the_words_of_tracing() {
    for (text, level) in [
        ("trace", "TRACE"),
        ("NOTSET", "TRACE"),
        ("Debug", "DEBUG"),
        (" info ", "INFO"),
        ("WARNING", "WARN"),
        ("warn", "WARN"),
        ("error", "ERROR"),
        ("CRITICAL", "ERROR"),
        ("FATAL", "ERROR"),
        ("off", "OFF"),
        ("warning, healer=debug,hyper::client = Critical", "WARN,healer=DEBUG,hyper::client=ERROR"),
    ] {
        assert_eq!(built(complete().log_level(text)).logs().level, level);
    }
    for text in ["", "20", "verbose", "INFO,", "INFO,healer", "healer=loud", "=INFO", "a b=INFO"] {
        let wrong = one(complete().log_level(text));
        assert_eq!((wrong.key(), wrong.value()), ("log_level", Some(text)));
        assert!(wrong.what_is_allowed().contains("`DEBUG`"), "{wrong}");
    }
}

#[test]
fn a_host_is_a_name_or_an_address_and_no_more() {
    for (text, host) in [
        ("localhost", "localhost"),
        (" collector.example ", "collector.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
    ] {
        assert_eq!(built(complete().otlp_host(text)).traces().host, host);
    }
    for (text, problem) in [
        ("", "empty"),
        ("http://collector", "more than a host"),
        ("collector/v1", "more than a host"),
        ("user@collector", "more than a host"),
        ("collector:4317", "HEALER_OTLP_PORT"),
        ("[::1]:4317", "HEALER_OTLP_PORT"),
        ("a b", "no host's name has"),
        ("[a]", "no host's name has"),
    ] {
        let wrong = one(complete().otlp_host(text));
        assert!(wrong.key() == "otlp_host" && wrong.to_string().contains(problem), "{wrong}");
    }
}

//! The environment variables for operating: those of water-healer, so that what was set for it goes on to hold, and few
//! of our own.

use std::time::Duration;

use super::Place;
use crate::config::{
    ConfigBuilder,
    settings::{
        self, DurationSetting, FlagSetting, LOG_DATA_MAX_BYTES, MAX_COMMITS, OTLP_PORT, TRACES_RATIO,
        TextSetting,
    },
    source::Given,
    variable::Var,
};

/// Where Jaeger's agent took its own protocol over UDP; no OTLP is taken there.
const JAEGER_UDP: u16 = 6831;

static FLAGS: [(FlagSetting, Place<bool>); 8] = [
    (settings::CHECKPOINTING, |it| &mut it.checkpointing),
    (settings::LOG_JSON, |it| &mut it.logs.json),
    (settings::LOG_DATA, |it| &mut it.logs.data),
    (settings::TRACES, |it| &mut it.traces.enabled),
    (settings::GUARD_ON_ERROR, |it| &mut it.guard.on_error),
    (settings::GUARD_ON_LOST_BACKEND, |it| &mut it.guard.on_lost_backend),
    (settings::MEASURE_DURATIONS, |it| &mut it.measures.durations),
    (settings::MEASURE_SIZES, |it| &mut it.measures.sizes),
];

static TIMES: [(DurationSetting, Place<Duration>); 5] = [
    (settings::GRACEFUL_OFFSET, |it| &mut it.guard.graceful_offset),
    (settings::GRACEFUL_POLLING, |it| &mut it.guard.graceful_polling),
    (settings::GUARD_INTERVAL, |it| &mut it.guard.interval),
    (settings::SLEEP_BEFORE_SHUTDOWN, |it| &mut it.guard.sleep_before_shutdown),
    (settings::EXPIRES_AFTER, |it| &mut it.guard.expires_after),
];

static WORDS: [(TextSetting, Place<String>); 3] = [
    (settings::LOG_LEVEL, |it| &mut it.logs.level),
    (settings::SERVICE_NAME, |it| &mut it.traces.service_name),
    (settings::OTLP_HOST, |it| &mut it.traces.host),
];

impl ConfigBuilder {
    /// Takes a variable for operating; any other is unknown.
    pub(in crate::config) fn operating_variable(&mut self, name: &str, var: Var) {
        let it = &mut self.operating;
        if let Some((flag, place)) = FLAGS.iter().find(|(flag, _)| flag.setting.env == name) {
            it.put(&flag.setting, var.flag(flag), *place);
        } else if let Some((time, place)) = TIMES.iter().find(|(time, _)| time.setting.env == name) {
            // seconds, as these variables always were
            it.put(&time.setting, var.duration(time, true), *place);
        } else if let Some((word, place)) = WORDS.iter().find(|(word, _)| word.setting.env == name) {
            it.put(&word.setting, var.word(word), *place);
        } else if name == LOG_DATA_MAX_BYTES.setting.env {
            let given = var.number(&LOG_DATA_MAX_BYTES);
            it.put(&LOG_DATA_MAX_BYTES.setting, given, |it| &mut it.logs.data_max_bytes);
        } else if name == TRACES_RATIO.setting.env {
            let given = var.ratio(&TRACES_RATIO);
            it.put(&TRACES_RATIO.setting, given, |it| &mut it.traces.ratio);
        } else if name == MAX_COMMITS.setting.env {
            it.put(&MAX_COMMITS.setting, var.number(&MAX_COMMITS), |it| &mut it.guard.max_commits);
        } else if name == OTLP_PORT.setting.env {
            let given = self.port(var);
            self.operating.put(&OTLP_PORT.setting, given, |it| &mut it.traces.port);
        } else {
            self.unknown(name);
        }
    }

    fn port(&mut self, var: Var) -> Given<u16> {
        let mut given = var.number(&OTLP_PORT);
        if matches!(given.value, Ok(JAEGER_UDP)) {
            given.value = Ok(OTLP_PORT.default);
            let (name, instead) = (OTLP_PORT.setting.env, OTLP_PORT.default);
            let warning = format!(
                "the environment variable {name} is {JAEGER_UDP}, where Jaeger took its own protocol; traces \
                 are sent as OTLP, so it is taken as {instead}"
            );
            self.warn(name, warning);
        }
        given
    }
}

//! What is set for operating a pipeline: checkpoints, logs, traces, the guard and what is measured. The values are
//! plain data, and beside them stands who set which.

mod builder;
mod env;
mod values;

use std::{collections::BTreeMap, mem};

use super::{
    Config,
    error::WrongSetting,
    settings::{self, Setting},
    source::{Given, Source},
};

pub use self::values::{GuardSettings, LogSettings, MeasureSettings, TraceSettings};

/// All of it: while it is put together, and then as a part of the [`Config`].
#[derive(Clone)]
pub(super) struct Operating {
    checkpointing: bool,
    logs: LogSettings,
    guard: GuardSettings,
    traces: TraceSettings,
    measures: MeasureSettings,
    /// By the setting's name; what nobody set is missing.
    sources: BTreeMap<&'static str, Source>,
    /// By the setting's name; nothing once it is checked.
    wrong: BTreeMap<&'static str, Box<WrongSetting>>,
}

/// Where a value is kept.
type Place<T> = fn(&mut Operating) -> &mut T;

impl Default for Operating {
    fn default() -> Self {
        Self {
            checkpointing: settings::CHECKPOINTING.default,
            logs: LogSettings::default(),
            guard: GuardSettings::default(),
            traces: TraceSettings::default(),
            measures: MeasureSettings::default(),
            sources: BTreeMap::new(),
            wrong: BTreeMap::new(),
        }
    }
}

impl Operating {
    /// A later value replaces an earlier one, error and all.
    fn put<T>(&mut self, setting: &Setting, given: Given<T>, place: Place<T>) {
        match given.value {
            Ok(value) => {
                *place(self) = value;
                self.sources.insert(setting.name, given.source);
                self.wrong.remove(setting.name);
            }
            Err(wrong) => drop(self.wrong.insert(setting.name, wrong)),
        }
    }

    /// Moves what is wrong over to the rest that is wrong.
    pub(super) fn checked(mut self, wrong: &mut Vec<WrongSetting>) -> Self {
        wrong.extend(mem::take(&mut self.wrong).into_values().map(|one| *one));
        self
    }

    /// Name, value and source of each setting.
    pub(super) fn shown(&self) -> Vec<(&'static str, String, &Source)> {
        let time = |duration| humantime::format_duration(duration).to_string();
        let Self { checkpointing, logs, guard, traces, measures, .. } = self;
        let all = [
            (settings::CHECKPOINTING.setting.name, checkpointing.to_string()),
            (settings::LOG_JSON.setting.name, logs.json.to_string()),
            (settings::LOG_LEVEL.setting.name, logs.level.clone()),
            (settings::LOG_DATA.setting.name, logs.data.to_string()),
            (settings::LOG_DATA_MAX_BYTES.setting.name, logs.data_max_bytes.to_string()),
            (settings::TRACES.setting.name, traces.enabled.to_string()),
            (settings::SERVICE_NAME.setting.name, traces.service_name.clone()),
            (settings::OTLP_HOST.setting.name, traces.host.clone()),
            (settings::OTLP_PORT.setting.name, traces.port.to_string()),
            (settings::TRACES_RATIO.setting.name, traces.ratio.to_string()),
            (settings::GUARD_ON_ERROR.setting.name, guard.on_error.to_string()),
            (settings::GUARD_ON_LOST_BACKEND.setting.name, guard.on_lost_backend.to_string()),
            (settings::GRACEFUL_OFFSET.setting.name, time(guard.graceful_offset)),
            (settings::GRACEFUL_POLLING.setting.name, time(guard.graceful_polling)),
            (settings::GUARD_INTERVAL.setting.name, time(guard.interval)),
            (settings::SLEEP_BEFORE_SHUTDOWN.setting.name, time(guard.sleep_before_shutdown)),
            (settings::EXPIRES_AFTER.setting.name, time(guard.expires_after)),
            (settings::MAX_COMMITS.setting.name, guard.max_commits.to_string()),
            (settings::MEASURE_DURATIONS.setting.name, measures.durations.to_string()),
            (settings::MEASURE_SIZES.setting.name, measures.sizes.to_string()),
        ];
        all.into_iter().map(|(name, value)| (name, value, self.source(name))).collect()
    }

    /// What is logged, and how.
    pub(super) fn logs(&self) -> &LogSettings {
        &self.logs
    }

    fn source(&self, name: &str) -> &Source {
        self.sources.get(name).unwrap_or(&Source::Default)
    }
}

impl Config {
    /// Whether `#[checkpoint]` keeps values (see [`checkpoint`](macro@crate::checkpoint)). Default: true.
    pub fn checkpointing(&self) -> bool {
        self.operating.checkpointing
    }

    /// What is logged, and how.
    pub fn logs(&self) -> &LogSettings {
        self.operating.logs()
    }

    /// When the guard ends the process. It acts only where a guard was built.
    pub fn guard(&self) -> &GuardSettings {
        &self.operating.guard
    }

    /// Where traces are sent, if anywhere.
    pub fn traces(&self) -> &TraceSettings {
        &self.operating.traces
    }

    /// What the metrics measure beside counting.
    pub fn measures(&self) -> MeasureSettings {
        self.operating.measures
    }
}

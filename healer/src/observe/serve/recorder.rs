//! The recorder that keeps what is to be scraped. It is the process's, so it stays when a server ends.

use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::ServeError;

/// The bounds of what is measured in seconds. A stage that is fused takes microseconds, a call over a network up to a minute.
const SECONDS: [f64; 21] = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 25.0, 60.0,
];

/// The bounds of what is measured in bytes: 64 B to 16 MiB.
const BYTES: [f64; 10] =
    [64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0];

/// How often samples are put into their buckets. Until then all of them are kept, also when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// What was installed here.
static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the recorder, once a process.
pub(super) fn install() -> Result<PrometheusHandle, ServeError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let recorder = recorder();
    let handle = recorder.handle();
    // Started first, so that no recorder is installed that nobody looks after. No task: it must outlive every runtime.
    let (start, started) = mpsc::channel::<PrometheusHandle>();
    let look_after = move || {
        let Ok(handle) = started.recv() else { return };
        loop {
            thread::sleep(UPKEEP);
            handle.run_upkeep();
        }
    };
    let thread = thread::Builder::new().name("healer-metrics".to_owned());
    thread.spawn(look_after).map_err(|reason| ServeError::Thread { reason })?;
    metrics::set_global_recorder(recorder).map_err(|_| ServeError::OtherRecorder)?;
    // It waits for this alone.
    let _ = start.send(handle.clone());
    *installed = Some(handle.clone());
    Ok(handle)
}

/// All that is recorded, without what is not known: such a gauge is no number, and has no sample.
pub(super) fn page(handle: &PrometheusHandle) -> String {
    without_unknown(&handle.render())
}

fn without_unknown(page: &str) -> String {
    let is_known = |line: &&str| !(line.starts_with("healer_") && line.trim_end().ends_with(" NaN"));
    page.split_inclusive('\n').filter(is_known).collect()
}

/// A recorder whose histograms have buckets.
pub(super) fn recorder() -> PrometheusRecorder {
    let units = [("_seconds", SECONDS.as_slice()), ("_bytes", BYTES.as_slice())];
    let builder = units.into_iter().fold(PrometheusBuilder::new(), |builder, (unit, bounds)| {
        let unit = Matcher::Suffix(unit.to_owned());
        builder.set_buckets_for_metric(unit, bounds).expect("there are bounds")
    });
    builder.build_recorder()
}

#[cfg(test)]
mod tests {
    use super::without_unknown;

    #[test]
    fn what_is_not_known_has_no_sample() {
        let page =
            "# TYPE healer_lag gauge\nhealer_lag{a=\"1\"} NaN\nhealer_lag{a=\"2\"} 0\nshop_tea NaN\n\n";
        assert_eq!(without_unknown(page), "# TYPE healer_lag gauge\nhealer_lag{a=\"2\"} 0\nshop_tea NaN\n\n");
    }
}

//! The recorder that keeps the metrics to be scraped. It is the process's, so it stays when a server ends.

use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::ServeError;

/// The bounds of measures in seconds. A stage that is fused takes microseconds, a call over a network up to a minute.
const SECONDS: [f64; 21] = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 25.0, 60.0,
];

/// The bounds of measures in bytes: 64 B to 16 MiB.
const BYTES: [f64; 10] =
    [64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0];

/// The metrics that are measured in buckets, by name; the end of a name is its unit.
const HISTOGRAMS: [&str; 3] =
    ["healer_stage_duration_seconds", "healer_stage_input_bytes", "healer_stage_output_bytes"];

/// How often samples are put into their buckets. Until then all of them are kept, also when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder that was installed here.
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

/// All that is recorded, without gauges whose value is unknown: such a gauge is no number, and has no sample.
pub(super) fn page(handle: &PrometheusHandle) -> String {
    without_unknown(&handle.render())
}

fn without_unknown(page: &str) -> String {
    let is_known = |line: &&str| !(line.starts_with("healer_") && line.trim_end().ends_with(" NaN"));
    page.split_inclusive('\n').filter(is_known).collect()
}

/// The recorder that was installed here, if any.
pub(super) fn installed() -> Option<PrometheusHandle> {
    INSTALLED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Gives healer's histograms their buckets in a recorder of your own: durations from 10 µs to 60 s, sizes from 64 B to 16 MiB. Without buckets that
/// exporter makes summaries of them, which cannot be added up over processes. Your own metrics are left as they are.
///
/// The builder is one of `metrics-exporter-prometheus` 0.18. Install its recorder before pipelines start, and call `run_upkeep` of its handle
/// every few seconds.
///
/// ```
/// use healer::observe;
/// use metrics_exporter_prometheus::PrometheusBuilder;
///
/// let recorder = observe::buckets(PrometheusBuilder::new()).build_recorder();
/// # drop(recorder);
/// ```
pub fn buckets(builder: PrometheusBuilder) -> PrometheusBuilder {
    HISTOGRAMS.into_iter().fold(builder, |builder, name| {
        let bounds = if name.ends_with("_bytes") { BYTES.as_slice() } else { SECONDS.as_slice() };
        in_buckets(builder, Matcher::Full(name.to_owned()), bounds)
    })
}

/// A recorder whose histograms have buckets, also those of the program.
pub(super) fn recorder() -> PrometheusRecorder {
    let units = [("_seconds", SECONDS.as_slice()), ("_bytes", BYTES.as_slice())];
    let builder = units.into_iter().fold(PrometheusBuilder::new(), |builder, (unit, bounds)| {
        in_buckets(builder, Matcher::Suffix(unit.to_owned()), bounds)
    });
    builder.build_recorder()
}

fn in_buckets(builder: PrometheusBuilder, of: Matcher, bounds: &[f64]) -> PrometheusBuilder {
    builder.set_buckets_for_metric(of, bounds).unwrap_or_else(|_| unreachable!("there are bounds"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder,
    };
    use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

    use super::{HISTOGRAMS, buckets, recorder, without_unknown};
    use crate::observe::names;

    /// Which histograms are described to it.
    #[derive(Default)]
    struct Described(Mutex<Vec<String>>);

    impl Recorder for Described {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.0.lock().unwrap().push(name.as_str().to_owned());
        }
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn what_is_not_known_has_no_sample() {
        let page =
            "# TYPE healer_lag gauge\nhealer_lag{a=\"1\"} NaN\nhealer_lag{a=\"2\"} 0\nshop_tea NaN\n\n";
        assert_eq!(without_unknown(page), "# TYPE healer_lag gauge\nhealer_lag{a=\"2\"} 0\nshop_tea NaN\n\n");
    }

    #[test]
    fn all_histograms_have_buckets_in_any_recorder() {
        let described = Described::default();
        with_local_recorder(&described, names::describe);
        assert_eq!(described.0.into_inner().unwrap(), HISTOGRAMS);
        for recorder in [recorder(), buckets(PrometheusBuilder::new()).build_recorder()] {
            with_local_recorder(&recorder, || {
                for name in HISTOGRAMS {
                    metrics::histogram!(name).record(0.000_3);
                }
            });
            let page = recorder.handle().render();
            for (name, least) in HISTOGRAMS.into_iter().zip(["0.00001", "64", "64"]) {
                assert!(page.contains(&format!("{name}_bucket{{le=\"{least}\"}}")), "{page}");
            }
        }
    }

    #[test]
    fn buckets_leave_the_metrics_of_a_program_as_they_are() {
        let own = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(own, &[7.0]).unwrap();
        let recorder = buckets(builder).build_recorder();
        with_local_recorder(&recorder, || {
            metrics::histogram!("shop_answer_seconds").record(1.0);
            metrics::histogram!("shop_answer_bytes").record(1.0);
            metrics::histogram!(HISTOGRAMS[0]).record(1.0);
        });
        let page = recorder.handle().render();
        assert!(page.contains("shop_answer_seconds_bucket{le=\"7\"} 1"), "{page}");
        assert!(page.contains("shop_answer_bytes{quantile=\"0.5\"}"), "{page}");
        assert!(page.contains("healer_stage_duration_seconds_bucket{le=\"60\"} 1"), "{page}");
    }
}

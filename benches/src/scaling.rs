//! How cost grows with partitions, and with records in flight: one point after the other, on one Kafka.

use anyhow::Result;

use crate::{
    args::How,
    figures::{Spread, float, grouped},
    report::{Curve, Growth, Point},
    run::Bench,
    task::Side,
    workloads::{Workload, scaling},
};

/// Measures all points.
pub(crate) fn run(how: &How) -> Result<Growth> {
    let mut bench = Bench::start(how, &[Side::Raw, Side::Healer])?;
    // The same records for all, so many that the loop is busy with one partition.
    let records = bench.calibrate(&scaling::partitions(1), Side::Raw)?;
    let mut by_partitions: Vec<_> = [Side::Raw, Side::Healer].map(Curve::new).into();
    for partitions in scaling::PARTITIONS {
        for curve in &mut by_partitions {
            curve.points.push(point(
                &mut bench,
                &scaling::partitions(partitions),
                partitions,
                curve.side,
                records,
            )?);
        }
    }
    let mut by_in_flight = Curve::new(Side::Healer);
    for calls in scaling::IN_FLIGHT {
        let workload = scaling::in_flight(calls);
        let records = bench.calibrate(&workload, Side::Healer)?;
        by_in_flight.points.push(point(&mut bench, &workload, calls, Side::Healer, records)?);
    }
    Ok(Growth::new(how, by_partitions, vec![by_in_flight]))
}

fn point(bench: &mut Bench<'_>, workload: &Workload, at: u16, side: Side, records: u64) -> Result<Point> {
    let (mut rates, mut peaks) = (Vec::new(), Vec::new());
    for round in 1..=bench.how.rounds {
        let outcome = bench.measure(workload, side, records, round)?.outcome;
        let rate = float(outcome.records) / outcome.seconds.max(f64::EPSILON);
        let peak = float(outcome.peak_memory_bytes) / 1_048_576.0;
        eprintln!(
            "{} {at}: {} {} records, {rate:.0} a second, {peak:.1} MiB",
            workload.name,
            side.name(),
            grouped(records)
        );
        rates.push(rate);
        peaks.push(peak);
    }
    Ok(Point { at, records, records_per_second: Spread::of(rates), peak_memory_mib: Spread::of(peaks) })
}

//! The plot: records a second of every side (p99 of the latency where records are sent at a fixed speed), one row of bars for each workload.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::measured::{Figures, Measured};
use crate::task::Side;

const WIDTH: u32 = 900;
/// How high a bar with its gap is.
const BAR: u32 = 22;
/// How high the title of a workload is, with the gap above.
const TITLE: u32 = 44;
/// Where bars begin.
const LEFT: i32 = 170;
/// How long the longest bar is.
const LENGTH: f64 = 560.0;

/// Draws all workloads below each other; each has a scale of its own.
pub(super) fn draw(workloads: &[Measured]) -> Result<String> {
    let rows: usize = workloads.iter().map(|measured| measured.sides.len()).sum();
    let height = TITLE * u32::try_from(workloads.len())? + BAR * u32::try_from(rows)? + TITLE;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let mut top = 0;
        for measured in workloads {
            top = workload(&root, measured, top)?;
        }
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws one workload, and says where the next begins.
fn workload(root: &Area<'_>, measured: &Measured, top: i32) -> Result<i32> {
    let title = ("sans-serif", 15).into_font().color(&BLACK);
    let text = ("sans-serif", 12).into_font().color(&BLACK);
    let unit = if measured.paced { "p99 in ms" } else { "records a second" };
    let figure = |side: &Figures| {
        if measured.paced { side.p99_ms.unwrap_or_default() } else { side.records_per_second }
    };
    let head = format!("{}: {} ({unit})", measured.workload, measured.about);
    root.draw(&Text::new(head, (10, top + 18), title)).map_err(failed)?;
    let mut y = top + i32::try_from(TITLE)?;
    let most = measured.sides.iter().map(|side| figure(side).max).fold(1.0, f64::max);
    let x = |value: f64| LEFT + pixels(value / most * LENGTH);
    for side in &measured.sides {
        let rate = figure(side);
        let is_own = matches!(side.side, Side::Healer | Side::HealerThreads);
        let color = if is_own { RGBColor(20, 120, 90) } else { RGBColor(150, 160, 175) };
        let middle = y + 8;
        root.draw(&Text::new(side.side.name(), (10, y + 2), text.clone())).map_err(failed)?;
        root.draw(&Rectangle::new([(LEFT, y), (x(rate.median), y + 16)], color.filled())).map_err(failed)?;
        root.draw(&PathElement::new([(x(rate.min), middle), (x(rate.max), middle)], BLACK))
            .map_err(failed)?;
        let value =
            if measured.paced { format!("{:.1}", rate.median) } else { format!("{:.0}", rate.median) };
        root.draw(&Text::new(value, (x(rate.max) + 8, y + 2), text.clone())).map_err(failed)?;
        y += i32::try_from(BAR)?;
    }
    Ok(y)
}

#[expect(clippy::cast_possible_truncation, reason = "a place within a picture")]
fn pixels(place: f64) -> i32 {
    place.round() as i32
}

pub(super) fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the plot cannot be drawn: {error}")
}

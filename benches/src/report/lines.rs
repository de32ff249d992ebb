//! The plot of how cost grows: speed and memory, a line for each side.

use anyhow::Result;
use plotters::prelude::*;

use super::{
    growth::{Curve, Point},
    svg::failed,
};
use crate::{figures::Spread, task::Side};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 640;

/// Draws speed on the left and memory on the right, a row for each part.
pub(super) fn draw(parts: &[(&str, &[Curve])]) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        for (row, (name, curves)) in root.split_evenly((parts.len(), 1)).iter().zip(parts) {
            let [left, right] = &row.split_evenly((1, 2))[..] else { continue };
            chart(left, &format!("records a second, by {name}"), curves, |point| point.records_per_second)?;
            chart(right, &format!("peak MiB, by {name}"), curves, |point| point.peak_memory_mib)?;
        }
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

fn chart(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    curves: &[Curve],
    figure: impl Fn(&Point) -> Spread,
) -> Result<()> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let least = points().map(|point| f64::from(point.at)).fold(f64::INFINITY, f64::min);
    let most = points().map(|point| f64::from(point.at)).fold(1.0, f64::max);
    let top = points().map(|point| figure(point).max).fold(0.0, f64::max) * 1.15;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d((least.min(most)..most * 1.3).log_scale().base(2.0), 0.0..top.max(1.0))
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_label_formatter(&|at| format!("{at:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .draw()
        .map_err(failed)?;
    for curve in curves {
        let color = if curve.side == Side::Healer { RGBColor(20, 120, 90) } else { RGBColor(150, 160, 175) };
        let places: Vec<_> =
            curve.points.iter().map(|point| (f64::from(point.at), figure(point).median)).collect();
        let dots = places.iter().map(|place| Circle::new(*place, 3, color.filled()));
        chart.draw_series(dots).map_err(failed)?;
        if let Some(last) = places.last() {
            let name = Text::new(curve.side.name(), *last, ("sans-serif", 12).into_font().color(&color));
            chart.draw_series([name]).map_err(failed)?;
        }
        chart.draw_series([PathElement::new(places, color.stroke_width(2))]).map_err(failed)?;
    }
    Ok(())
}

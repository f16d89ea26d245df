//! The comparison as a picture: latencies by quantile, and octets beside the payload.

use std::path::Path;

use plotters::prelude::*;

use super::table::Column;

/// Wide enough for a slide.
const SIZE: (u32, u32) = (1280, 640);
/// Told apart also without colour vision (Okabe and Ito).
const COLOURS: [RGBColor; 4] = [
    RGBColor(213, 94, 0),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(0, 114, 178),
];

/// What keeps a picture from being drawn.
pub(crate) type Fault = Box<dyn core::error::Error + Send + Sync>;

/// Draws the columns of one round trip.
pub(crate) fn draw(file: &Path, columns: &[&Column]) -> Result<(), Fault> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(760);
    latencies(&left, columns)?;
    overheads(&right, columns)?;
    area.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn latencies(area: &Area<'_>, columns: &[&Column]) -> Result<(), Fault> {
    let curves: Vec<Vec<(f64, f64)>> = columns
        .iter()
        .map(|column| {
            let latency = column.found.as_ref().map(|found| &found.latency);
            latency.map_or_else(
                |_| Vec::new(),
                |latency| {
                    let quantiles = (0..=1000_u32).map(|step| f64::from(step) / 1000.0);
                    quantiles
                        .map(|quantile| {
                            let micros = latency.value_at_quantile(quantile).max(1);
                            (micros as f64 / 1000.0, quantile * 100.0)
                        })
                        .collect()
                },
            )
        })
        .collect();
    let all = || curves.iter().flatten().map(|point| point.0);
    let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(0.1, f64::max));
    let mut chart = ChartBuilder::on(area)
        .caption("Latency from publish to receipt", ("sans-serif", 24))
        .margin(20)
        .x_label_area_size(50)
        .y_label_area_size(60)
        .build_cartesian_2d((least.min(most) / 1.2..most * 1.2).log_scale(), 0.0..100.0)?;
    chart
        .configure_mesh()
        .x_desc("milliseconds")
        .y_desc("% of the deliveries came within")
        .label_style(("sans-serif", 16))
        .draw()?;
    for ((column, curve), colour) in columns.iter().zip(curves).zip(COLOURS) {
        chart
            .draw_series(LineSeries::new(curve, colour.stroke_width(3)))?
            .label(column.via.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 18))
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

fn overheads(area: &Area<'_>, columns: &[&Column]) -> Result<(), Fault> {
    let figures: Vec<f64> = columns
        .iter()
        .map(|column| column.overhead().unwrap_or_default())
        .collect();
    let most = figures.iter().copied().fold(10.0, f64::max);
    let names: Vec<&str> = columns.iter().map(|column| column.via.as_str()).collect();
    let count = names.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .caption("Octets beside the payload", ("sans-serif", 24))
        .margin(20)
        .x_label_area_size(50)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..count, 0.0..most * 1.15)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .y_desc("octets a delivery")
        .label_style(("sans-serif", 16))
        .draw()?;
    for ((at, figure), colour) in figures.iter().enumerate().zip(COLOURS) {
        let left = at as f64;
        chart.draw_series([Rectangle::new(
            [(left + 0.15, 0.0), (left + 0.85, *figure)],
            colour.filled(),
        )])?;
        let name = names.get(at).copied().unwrap_or_default();
        chart.draw_series([
            Text::new(
                format!("{figure:.0}"),
                (left + 0.15, figure + most * 0.05),
                ("sans-serif", 18),
            ),
            Text::new(
                name.to_owned(),
                (left + 0.1, most * 1.12),
                ("sans-serif", 16),
            ),
        ])?;
    }
    Ok(())
}

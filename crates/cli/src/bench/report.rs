//! What a run found, as lines for eyes or as one JSON object.

use core::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// Figures in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Figure>);

#[derive(Debug)]
struct Figure {
    /// The member of the JSON object; the line says it with spaces.
    name: &'static str,
    value: Value,
    shown: String,
}

impl Report {
    pub(crate) fn add(&mut self, name: &'static str, value: impl Into<Value>, shown: String) {
        let value = value.into();
        self.0.push(Figure { name, value, shown });
    }

    pub(crate) fn count(&mut self, name: &'static str, count: u64) {
        self.add(name, count, grouped(count));
    }

    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        self.add(name, text, text.to_owned());
    }

    pub(crate) fn time(&mut self, name: &'static str, time: Duration) {
        self.add(name, time.as_secs_f64(), human(time));
    }

    /// A figure of the server's process, where it is seen.
    pub(crate) fn seen(&mut self, name: &'static str, figure: Option<f64>, unit: &str) {
        match figure {
            Some(figure) => self.add(name, figure, format!("{figure:.2} {unit}")),
            None => self.add(name, Value::Null, "not seen: give --pid".to_owned()),
        }
    }

    /// The median, the 99th percentile and the greatest of latencies, in microseconds.
    pub(crate) fn latency(&mut self, name: &'static str, latency: &Histogram<u64>) {
        let [median, p99, most] = quantiles(latency);
        let value = json!({"p50_us": median, "p99_us": p99, "max_us": most});
        let human = |micros| human(Duration::from_micros(micros));
        let shown = format!(
            "p50 {}, p99 {}, max {}",
            human(median),
            human(p99),
            human(most)
        );
        self.add(name, value, shown);
    }

    pub(crate) fn to_json(&self) -> Value {
        let members = self
            .0
            .iter()
            .map(|figure| (figure.name.to_owned(), figure.value.clone()));
        Value::Object(Map::from_iter(members))
    }

    pub(crate) fn to_text(&self) -> String {
        let lines = self.0.iter().map(|figure| {
            let name = figure.name.replace('_', " ");
            format!("{name:<28} {}\n", figure.shown)
        });
        lines.collect()
    }
}

pub(crate) fn quantiles(latency: &Histogram<u64>) -> [u64; 3] {
    [
        latency.value_at_quantile(0.5),
        latency.value_at_quantile(0.99),
        latency.max(),
    ]
}

/// Of microseconds, to 2 digits, growing as needed.
pub(crate) fn latencies() -> Histogram<u64> {
    let mut histogram = Histogram::new(2).unwrap_or_else(|_| unreachable!("2 digits are allowed"));
    histogram.auto(true);
    histogram
}

pub(crate) fn record(latency: &mut Histogram<u64>, time: Duration) {
    // It grows as needed, and an hour is more than any reader waits.
    const MOST: u64 = 3_600_000_000;
    let micros = u64::try_from(time.as_micros()).unwrap_or(MOST);
    let _ = latency.record(micros.clamp(1, MOST));
}

pub(crate) fn human(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0..0.001 => format!("{:.0} µs", seconds * 1e6),
        0.001..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// Digits in groups of three.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_in_order_and_as_json() {
        let mut report = Report::default();
        report.count("deliveries", 1_234_567);
        report.time("elapsed", Duration::from_millis(1500));
        report.seen("memory_per_connection", None, "kB");
        let mut latency = latencies();
        for micros in 1..=100 {
            record(&mut latency, Duration::from_micros(micros));
        }
        report.latency("latency", &latency);
        let text = report.to_text();
        assert!(
            text.starts_with("deliveries                   1,234,567\nelapsed "),
            "{text}"
        );
        assert!(text.contains("p50 50 µs, p99 99 µs, max 100 µs"), "{text}");
        let json = report.to_json();
        assert_eq!(json["deliveries"], 1_234_567);
        assert_eq!(json["memory_per_connection"], Value::Null);
        assert_eq!(json["latency"]["p99_us"], 99);
    }

    #[test]
    fn times_and_counts_are_short() {
        assert_eq!(human(Duration::from_micros(999)), "999 µs");
        assert_eq!(human(Duration::from_micros(1500)), "1.5 ms");
        assert_eq!(human(Duration::from_secs(61)), "61.00 s");
        assert_eq!(
            [grouped(1), grouped(999), grouped(1000)],
            ["1", "999", "1,000"]
        );
    }
}

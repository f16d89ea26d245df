//! The comparison as a table for eyes, as JSON and as CSV.

use core::fmt::Write as _;
use core::time::Duration;

use serde_json::{Value, json};
use tidings_client::Transport;

use crate::bench::{Measured, human, quantiles};

/// What was found of one transport on one way.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) via: Transport,
    pub(crate) rtt: Duration,
    pub(crate) size: usize,
    pub(crate) readers: usize,
    /// Or why nothing could be measured.
    pub(crate) found: Result<Measured, String>,
    pub(crate) memory_kb: Option<f64>,
}

/// A word of the comparison table, and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Low,
    Medium,
    High,
}

impl Word {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Beyond the way itself: what a loaded machine takes to write, wake and read.
const MACHINE: Duration = Duration::from_millis(10);

/// Low is one way, medium one round trip and a way, high is more.
pub(crate) fn latency_word(median: Duration, rtt: Duration) -> Word {
    if median <= rtt / 2 + MACHINE {
        Word::Low
    } else if median <= rtt * 3 / 2 + MACHINE {
        Word::Medium
    } else {
        Word::High
    }
}

/// Octets beside the payload for each message: a frame or a block of fields is low, a head is high.
pub(crate) fn overhead_word(octets: f64) -> Word {
    if octets <= 80.0 {
        Word::Low
    } else if octets <= 160.0 {
        Word::Medium
    } else {
        Word::High
    }
}

/// What the table of the four says of latency and of overhead.
pub(crate) const fn said(via: Transport) -> (Word, Word) {
    match via {
        Transport::ShortPoll => (Word::High, Word::High),
        Transport::LongPoll => (Word::Medium, Word::High),
        Transport::Sse | Transport::WebSocket => (Word::Low, Word::Low),
    }
}

const fn direction(via: Transport) -> &'static str {
    match via {
        Transport::ShortPoll => "client pulls",
        Transport::LongPoll => "pulled, held",
        Transport::Sse => "server pushes",
        Transport::WebSocket => "both ways",
    }
}

impl Column {
    pub(crate) fn median(&self) -> Option<Duration> {
        let found = self.found.as_ref().ok()?;
        Some(Duration::from_micros(quantiles(&found.latency)[0]))
    }

    /// Octets beside the payload, both directions, for each delivery.
    pub(crate) fn overhead(&self) -> Option<f64> {
        let found = self.found.as_ref().ok()?;
        let traffic = found.traffic.up + found.traffic.down;
        Some(traffic as f64 / found.received.max(1) as f64 - self.size as f64)
    }

    fn held(&self) -> usize {
        match self.via {
            Transport::ShortPoll => 0,
            Transport::LongPoll | Transport::Sse | Transport::WebSocket => self.readers,
        }
    }

    /// What it is best for, and the figure that says so.
    fn best_for(&self, found: &Measured) -> String {
        let each = |count: u64| count as f64 / found.received.max(1) as f64;
        match self.via {
            Transport::ShortPoll => {
                let answers = found.requests.saturating_sub(found.empty).max(1);
                let shared = found.received as f64 / answers as f64;
                format!("dashboards: {shared:.0} an answer")
            }
            Transport::LongPoll => format!("notices: {:.1} asks each", each(found.requests)),
            Transport::Sse => format!("feeds: {:.0} octets up", each(found.traffic.up)),
            Transport::WebSocket => {
                let down = each(found.traffic.down) - self.size as f64;
                format!("chat: {down:.0} octets a frame")
            }
        }
    }

    fn cells(&self) -> Vec<String> {
        let Ok(found) = &self.found else {
            return Vec::new();
        };
        let each = |count: u64| count as f64 / found.received.max(1) as f64;
        let [p50, p99, most] =
            quantiles(&found.latency).map(|micros| human(Duration::from_micros(micros)));
        let (latency, overhead) = said(self.via);
        let median = self.median().unwrap_or_default();
        let beside = self.overhead().unwrap_or_default();
        let cpu = found
            .cpu
            .map(|cpu| cpu.as_secs_f64() * 1e6 / found.received.max(1) as f64);
        let seen = |figure: Option<f64>, unit: &str| {
            figure.map_or_else(
                || "not seen".to_owned(),
                |figure| format!("{figure:.1} {unit}"),
            )
        };
        vec![
            direction(self.via).to_owned(),
            p50,
            p99,
            most,
            agreement(latency, latency_word(median, self.rtt)),
            format!("{:.0}", each(found.traffic.down)),
            format!("{:.0}", each(found.traffic.up)),
            agreement(overhead, overhead_word(beside)),
            format!("{:.2}", each(found.requests)),
            found.empty.to_string(),
            self.held().to_string(),
            seen(cpu, "µs"),
            seen(self.memory_kb, "kB"),
            format!("{} and {}", found.lost, found.doubled),
            self.best_for(found),
        ]
    }

    fn value(&self) -> Value {
        let (latency, overhead) = said(self.via);
        let mut value = json!({
            "via": self.via.as_str(),
            "rtt_ms": self.rtt.as_secs_f64() * 1e3,
            "direction": direction(self.via),
            "table": {"latency": latency.as_str(), "overhead": overhead.as_str()},
        });
        let more = match &self.found {
            Err(why) => json!({"failed": why}),
            Ok(found) => {
                let each = |count: u64| count as f64 / found.received.max(1) as f64;
                let [p50, p99, most] = quantiles(&found.latency);
                let cpu = found
                    .cpu
                    .map(|cpu| cpu.as_secs_f64() * 1e6 / found.received.max(1) as f64);
                json!({
                    "deliveries": found.received,
                    "latency": {"p50_us": p50, "p99_us": p99, "max_us": most},
                    "octets_down_per_delivery": each(found.traffic.down),
                    "octets_up_per_delivery": each(found.traffic.up),
                    "overhead_per_delivery": self.overhead(),
                    "octets_down_in_all": found.all_traffic.down,
                    "octets_up_in_all": found.all_traffic.up,
                    "requests_per_delivery": each(found.requests),
                    "empty_answers": found.empty,
                    "connections_held": self.held(),
                    "server_cpu_per_delivery_us": cpu,
                    "memory_per_connection_kb": self.memory_kb,
                    "lost": found.lost,
                    "doubled": found.doubled,
                    "measured": {
                        "latency": latency_word(self.median().unwrap_or_default(), self.rtt).as_str(),
                        "overhead": overhead_word(self.overhead().unwrap_or_default()).as_str(),
                    },
                })
            }
        };
        if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
            value.extend(more);
        }
        value
    }
}

fn agreement(said: Word, found: Word) -> String {
    if said == found {
        format!("{}: agrees", said.as_str())
    } else {
        format!("{}: here {}", said.as_str(), found.as_str())
    }
}

/// Names of the lines, in the order of [`Column::cells`].
const LINES: [&str; 15] = [
    "direction",
    "latency p50",
    "latency p99",
    "latency max",
    "the table says",
    "octets down a message",
    "octets up a message",
    "the table says",
    "requests a message",
    "empty answers",
    "connections held",
    "server CPU a delivery",
    "memory a connection",
    "lost and doubled",
    "best for",
];

/// One table for the columns of one round trip.
pub(crate) fn text(columns: &[&Column]) -> String {
    const FIRST: usize = 24;
    const WIDTH: usize = 26;
    let mut out = String::new();
    let mut line = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:<WIDTH$}")).collect();
        let _ = writeln!(out, "{}", format!("{name:<FIRST$}{cells}").trim_end());
    };
    let names = columns.iter().map(|column| column.via.as_str().to_owned());
    line("", names.collect());
    let cells: Vec<Vec<String>> = columns.iter().map(|column| column.cells()).collect();
    for (at, name) in LINES.iter().enumerate() {
        let row = cells
            .iter()
            .map(|column| column.get(at).map_or("-", String::as_str).to_owned());
        line(name, row.collect());
    }
    for column in columns {
        if let Err(why) = &column.found {
            let _ = writeln!(out, "{} does not get through: {why}", column.via);
        }
    }
    out
}

pub(crate) fn json(columns: &[Column]) -> Value {
    Value::Array(columns.iter().map(Column::value).collect())
}

/// A line a transport and way; what could not be measured is empty.
pub(crate) fn csv(columns: &[Column]) -> String {
    const NAMES: [&str; 14] = [
        "via",
        "rtt_ms",
        "deliveries",
        "p50_us",
        "p99_us",
        "max_us",
        "octets_down_per_delivery",
        "octets_up_per_delivery",
        "requests_per_delivery",
        "empty_answers",
        "server_cpu_per_delivery_us",
        "memory_per_connection_kb",
        "lost",
        "doubled",
    ];
    let mut out = NAMES.join(",");
    out.push('\n');
    for column in columns {
        let value = column.value();
        let cells = NAMES.map(|name| {
            let cell = value.get(name).or_else(|| value.get("latency")?.get(name));
            match cell {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            }
        });
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_the_way() {
        let ms = Duration::from_millis;
        for (median, rtt, want) in [
            (ms(1), ms(0), Word::Low),
            (ms(500), ms(0), Word::High),
            (ms(42), ms(80), Word::Low),
            (ms(90), ms(80), Word::Medium),
            (ms(540), ms(80), Word::High),
        ] {
            assert_eq!(latency_word(median, rtt), want, "{median:?} of {rtt:?}");
        }
        assert_eq!(overhead_word(4.0), Word::Low);
        assert_eq!(overhead_word(400.0), Word::High);
        assert_eq!(agreement(Word::Low, Word::Low), "low: agrees");
        assert_eq!(agreement(Word::Medium, Word::Low), "medium: here low");
    }

    #[test]
    fn what_failed_is_said_and_leaves_its_cells_empty() {
        let column = Column {
            via: Transport::WebSocket,
            rtt: Duration::ZERO,
            size: 128,
            readers: 10,
            found: Err("status 200".to_owned()),
            memory_kb: None,
        };
        let text = text(&[&column]);
        assert!(
            text.contains("websocket does not get through: status 200"),
            "{text}"
        );
        assert_eq!(json(&[column])[0]["failed"], "status 200");
    }
}

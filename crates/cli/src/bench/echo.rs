//! Each connection sends messages to a WebSocket echo and takes them back.

use core::time::Duration;

use hdrhistogram::Histogram;
use tidings_websocket::{Event, Message};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::payload::{self, Sequence};
use super::report::{self, Report};
use super::{Endpoint, Fault, Process, Progress, Socket, frames};

/// How long an echo may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) in_flight: u64,
    pub(crate) len: usize,
    pub(crate) time: Duration,
}

/// What one connection saw.
struct Echoed {
    sequence: Sequence,
    latency: Histogram<u64>,
}

/// Runs the echo and reports.
pub(crate) async fn run(
    endpoint: &Endpoint,
    plan: Plan,
    process: Option<Process>,
    progress: &Progress,
) -> Result<(Report, bool), Fault> {
    let origin = Instant::now();
    progress.begin("connecting", plan.connections as u64);
    let mut sockets = Vec::new();
    for _ in 0..plan.connections {
        let mut socket = Socket::open(endpoint).await?;
        let (connection, _) = frames::open(endpoint, &endpoint.target, &[], &mut socket).await?;
        sockets.push((socket, connection));
        progress.step(1);
    }
    progress.wait("echoing", plan.time);
    let cpu = process.and_then(Process::cpu);
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (mut socket, mut connection) in sockets {
        tasks.spawn(async move {
            let mut echoed = Echoed {
                sequence: Sequence::default(),
                latency: report::latencies(),
            };
            let mut sent = 0;
            loop {
                let open = begun.elapsed() < plan.time;
                while open && sent - echoed.sequence.last() < plan.in_flight {
                    sent += 1;
                    let message = payload::make(sent, origin.elapsed(), plan.len);
                    connection
                        .send_text(&message, frames::key(), &mut socket.out)
                        .map_err(Fault::Send)?;
                }
                if sent == echoed.sequence.last() {
                    return Ok(echoed);
                }
                socket.flush().await?;
                timeout(PATIENCE, socket.read())
                    .await
                    .map_err(|_| Fault::Silent)??;
                while let Some(event) = connection.next_event(&mut socket.input, Duration::ZERO) {
                    match event {
                        Event::Message(Message::Text(text)) => {
                            let (number, sent) =
                                payload::read(text.as_bytes(), plan.len).ok_or(Fault::Altered)?;
                            echoed.sequence.take(number);
                            report::record(
                                &mut echoed.latency,
                                origin.elapsed().saturating_sub(sent),
                            );
                        }
                        Event::Message(Message::Binary(_)) => return Err(Fault::Altered),
                        Event::Closed(_) => return Err(Fault::Ended),
                        _ => {}
                    }
                }
                frames::answer(&mut connection, &mut socket.out);
            }
        });
    }
    let mut latency = report::latencies();
    let (mut received, mut lost, mut doubled) = (0, 0, 0);
    while let Some(echoed) = tasks.join_next().await {
        let echoed = echoed.map_err(|_| Fault::Ended)??;
        let _ = latency.add(&echoed.latency);
        received += echoed.sequence.received;
        lost += echoed.sequence.lost;
        doubled += echoed.sequence.doubled;
    }
    let elapsed = begun.elapsed();
    let used = process.and_then(Process::cpu).zip(cpu);
    progress.end();

    let mut report = Report::default();
    report.count("connections", plan.connections as u64);
    report.count("in_flight_per_connection", plan.in_flight);
    report.count("octets_per_message", plan.len as u64);
    report.time("elapsed", elapsed);
    report.count("messages", received);
    let rate = received as f64 / elapsed.as_secs_f64();
    report.add("messages_per_second", rate, format!("{rate:.0}"));
    report.latency("latency", &latency);
    report.count("lost", lost);
    report.count("doubled", doubled);
    let cpu = used.map(|(after, before)| {
        after.saturating_sub(before).as_secs_f64() * 1e6 / received.max(1) as f64
    });
    report.seen("server_cpu_per_message_us", cpu, "µs");
    Ok((report, lost == 0 && doubled == 0))
}

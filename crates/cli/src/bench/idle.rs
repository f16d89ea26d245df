//! Connections that wait: what each costs the server in memory, and all of them in CPU time.

use core::time::Duration;

use tidings_client::Transport;
use tokio::time::sleep;

use super::reader::{How, Reader};
use super::report::Report;
use super::{Endpoint, Fault, Process, Progress};

/// For what the server does behind the last answer of an opening.
const SETTLE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) how: How,
    pub(crate) connections: usize,
    pub(crate) hold: Duration,
}

/// Memory and CPU time of the server at one moment.
type Seen = (Option<u64>, Option<Duration>);

/// Opens the connections: what was seen before and behind.
async fn open(
    endpoint: &Endpoint,
    plan: Plan,
    process: Option<Process>,
    progress: &Progress,
) -> Result<(Vec<Reader>, Option<Seen>, Option<Seen>), Fault> {
    // What a first connection makes once is no cost of the others.
    drop(Reader::open(endpoint, plan.how, None).await?);
    sleep(SETTLE).await;
    let before = process.map(|process| (process.memory(), process.cpu()));
    progress.begin("connecting", plan.connections as u64);
    let mut readers = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        let mut reader = Reader::open(endpoint, plan.how, None).await?;
        reader.ask(plan.how.via == Transport::LongPoll).await?;
        reader.shrink();
        readers.push(reader);
        progress.step(1);
    }
    sleep(SETTLE).await;
    let opened = process.map(|process| (process.memory(), process.cpu()));
    Ok((readers, before, opened))
}

/// What one connection of many costs the server in memory, in kB.
pub(crate) async fn memory_kb(
    endpoint: &Endpoint,
    plan: Plan,
    process: Process,
    progress: &Progress,
) -> Result<Option<f64>, Fault> {
    let (readers, before, opened) = open(endpoint, plan, Some(process), progress).await?;
    progress.end();
    Ok(per_connection_kb(before, opened, readers.len()))
}

fn per_connection_kb(before: Option<Seen>, opened: Option<Seen>, count: usize) -> Option<f64> {
    let (before, opened) = (before?.0?, opened?.0?);
    Some(opened.saturating_sub(before) as f64 / count as f64 / 1000.0)
}

/// Opens the connections, holds them, and reports.
pub(crate) async fn run(
    endpoint: &Endpoint,
    plan: Plan,
    process: Option<Process>,
    progress: &Progress,
) -> Result<(Report, bool), Fault> {
    let (readers, before, opened) = open(endpoint, plan, process, progress).await?;
    progress.wait("holding", plan.hold);
    sleep(plan.hold).await;
    let held = process.and_then(Process::cpu);
    progress.end();

    let count = readers.len() as f64;
    let mut report = Report::default();
    report.text("via", plan.how.via.as_str());
    report.count("connections", readers.len() as u64);
    let memory = per_connection_kb(before, opened, readers.len());
    let (_, cpu_before) = before.unwrap_or_default();
    let (_, cpu_after) = opened.unwrap_or_default();
    report.seen("memory_per_connection_kb", memory, "kB");
    let micros = |after: Option<Duration>, before: Option<Duration>| {
        after
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before).as_secs_f64() * 1e6)
    };
    let opening = micros(cpu_after, cpu_before).map(|micros| micros / count);
    report.seen("server_cpu_per_opening_us", opening, "µs");
    report.time("held_for", plan.hold);
    let holding = micros(held, cpu_after).map(|micros| micros / 1000.0);
    report.seen("server_cpu_while_held_ms", holding, "ms");
    Ok((report, true))
}

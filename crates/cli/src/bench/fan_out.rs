//! One channel, many readers: every message that is published reaches each of them.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use hdrhistogram::Histogram;
use tidings_client::Transport;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::payload::{self, Sequence};
use super::publisher::Publisher;
use super::reader::{How, Reader};
use super::report::{self, Report};
use super::{Endpoint, Fault, Process, Progress, Traffic};

/// How long a reader waits for a message that is due.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two messages that find out whether all readers are there.
const WARM_UP: Duration = Duration::from_millis(50);

/// What is sent, to whom, and how fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) how: How,
    pub(crate) readers: usize,
    pub(crate) messages: u64,
    pub(crate) len: usize,
    /// Messages a second; without, the next one leaves as soon as there is room in flight.
    pub(crate) rate: Option<f64>,
    pub(crate) in_flight: usize,
    /// Readers whose connection ends come back at their position.
    pub(crate) resume: bool,
    /// How long a reader waits for a message that is due.
    pub(crate) patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) latency: Histogram<u64>,
    /// Of the last reader, a message.
    pub(crate) last: Histogram<u64>,
    pub(crate) acknowledged: Histogram<u64>,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Option<Duration>,
    /// Of all readers, since the first message that counts.
    pub(crate) traffic: Traffic,
    pub(crate) requests: u64,
    pub(crate) empty: u64,
    /// Of all readers, from their first octet.
    pub(crate) all_traffic: Traffic,
}

impl Measured {
    pub(crate) fn report(&self, plan: &Plan) -> Report {
        let mut report = Report::default();
        let received = self.received.max(1) as f64;
        report.text("via", plan.how.via.as_str());
        report.count("readers", plan.readers as u64);
        report.count("messages", plan.messages);
        report.count("octets_per_message", plan.len as u64);
        report.time("elapsed", self.elapsed);
        report.count("deliveries", self.received);
        let rate = received / self.elapsed.as_secs_f64();
        report.add("deliveries_per_second", rate, format!("{rate:.0}"));
        report.latency("latency", &self.latency);
        report.latency("latency_of_the_last_reader", &self.last);
        report.latency("acknowledged_after", &self.acknowledged);
        report.count("lost", self.lost);
        report.count("doubled", self.doubled);
        let per = |count: u64| count as f64 / received;
        for (name, figure) in [
            (
                "messages_per_read",
                1.0 / per(self.traffic.reads).max(f64::MIN_POSITIVE),
            ),
            ("octets_down_per_delivery", per(self.traffic.down)),
            ("octets_up_per_delivery", per(self.traffic.up)),
            ("requests_per_delivery", per(self.requests)),
        ] {
            report.add(name, figure, format!("{figure:.2}"));
        }
        report.count("empty_answers", self.empty);
        let cpu = self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / received);
        report.seen("server_cpu_per_delivery_us", cpu, "µs");
        report
    }

    /// All that was published came, once and in order.
    pub(crate) const fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0
    }
}

/// What one reader has to tell.
struct Followed {
    sequence: Sequence,
    latency: Histogram<u64>,
    traffic: Traffic,
    all_traffic: Traffic,
    requests: u64,
    empty: u64,
    ended: Instant,
}

/// Connects the readers, publishes, and gathers what they saw.
pub(crate) async fn measure(
    subscribe: &Endpoint,
    publish: &Endpoint,
    plan: Plan,
    process: Option<Process>,
    progress: &Progress,
) -> Result<Measured, Fault> {
    let origin = Instant::now();
    let there = Arc::new(AtomicU64::new(0));
    // The latest receipt of each message: the number of the last reader is only known at the end.
    let latest: Arc<[AtomicU64]> = (0..=plan.messages).map(|_| AtomicU64::new(0)).collect();
    let mut readers = JoinSet::new();
    progress.begin("connecting", plan.readers as u64);
    for _ in 0..plan.readers {
        let Ok(reader) = timeout(plan.patience, Reader::open(subscribe, plan.how, None)).await
        else {
            let (there, count) = (readers.len() as u64, plan.readers as u64);
            return Err(Fault::Unreached { there, count });
        };
        let reader = reader?;
        let (there, latest) = (Arc::clone(&there), Arc::clone(&latest));
        readers.spawn(follow(reader, plan, origin, there, latest));
        progress.step(1);
    }
    let mut publisher = Publisher::open(publish).await?;
    warm_up(&mut publisher, plan, origin, &there, &mut readers).await?;

    let mut acknowledged = report::latencies();
    progress.begin("publishing", plan.messages);
    let cpu = process.and_then(Process::cpu);
    let begun = Instant::now();
    let mut stamps = std::collections::VecDeque::new();
    for number in 1..=plan.messages {
        let mut sent = Instant::now();
        if let Some(rate) = plan.rate {
            // Latency counts from the time when the message was due: a stall hides nothing.
            sent = begun + Duration::from_secs_f64((number - 1) as f64 / rate);
            sleep_until(sent).await;
        }
        publisher.publish(&payload::make(number, sent - origin, plan.len))?;
        stamps.push_back(sent);
        let room = if plan.rate.is_some() {
            1
        } else {
            plan.in_flight
        };
        while publisher.in_flight() >= room {
            publisher.acknowledged().await?;
            note(&mut stamps, &mut acknowledged);
        }
        progress.step(1);
    }
    while publisher.in_flight() > 0 {
        publisher.acknowledged().await?;
        note(&mut stamps, &mut acknowledged);
    }
    let mut measured = Measured {
        latency: report::latencies(),
        last: report::latencies(),
        acknowledged,
        received: 0,
        lost: 0,
        doubled: 0,
        elapsed: Duration::ZERO,
        cpu: None,
        traffic: Traffic::default(),
        requests: 0,
        empty: 0,
        all_traffic: Traffic::default(),
    };
    while let Some(followed) = readers.join_next().await {
        let followed = followed.map_err(|_| Fault::Ended)??;
        let _ = measured.latency.add(&followed.latency);
        measured.received += followed.sequence.received;
        measured.lost += followed.sequence.lost;
        measured.doubled += followed.sequence.doubled;
        measured.traffic.add(followed.traffic);
        measured.all_traffic.add(followed.all_traffic);
        measured.requests += followed.requests;
        measured.empty += followed.empty;
        measured.elapsed = measured.elapsed.max(followed.ended - begun);
    }
    let used = process.and_then(Process::cpu).zip(cpu);
    measured.cpu = used.map(|(after, before)| after.saturating_sub(before));
    for micros in latest.iter().skip(1) {
        report::record(
            &mut measured.last,
            Duration::from_micros(micros.load(Ordering::Relaxed)),
        );
    }
    progress.end();
    Ok(measured)
}

fn note(stamps: &mut std::collections::VecDeque<Instant>, acknowledged: &mut Histogram<u64>) {
    if let Some(sent) = stamps.pop_front() {
        report::record(acknowledged, sent.elapsed());
    }
}

/// Publishes until every reader has received something: only then is each of them there.
async fn warm_up(
    publisher: &mut Publisher,
    plan: Plan,
    origin: Instant,
    there: &AtomicU64,
    readers: &mut JoinSet<Result<Followed, Fault>>,
) -> Result<(), Fault> {
    let begun = Instant::now();
    let count = plan.readers as u64;
    while there.load(Ordering::Relaxed) < count {
        // A reader that ends before anything counts has failed.
        if let Some(ended) = readers.try_join_next() {
            return Err(ended
                .map_err(|_| Fault::Ended)?
                .err()
                .unwrap_or(Fault::Ended));
        }
        if begun.elapsed() > plan.patience {
            let there = there.load(Ordering::Relaxed);
            return Err(Fault::Unreached { there, count });
        }
        publisher.publish(&payload::make(0, origin.elapsed(), plan.len))?;
        publisher.acknowledged().await?;
        sleep(WARM_UP.max(plan.how.interval / 4)).await;
    }
    Ok(())
}

async fn follow(
    mut reader: Reader,
    plan: Plan,
    origin: Instant,
    there: Arc<AtomicU64>,
    latest: Arc<[AtomicU64]>,
) -> Result<Followed, Fault> {
    let mut sequence = Sequence::after(0);
    let mut latency = report::latencies();
    let mut before = (Traffic::default(), 0, 0);
    let mut warm = false;
    let pause = plan
        .rate
        .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
    let patience = plan.patience + pause + plan.how.interval;
    let mut ended = Instant::now();
    while sequence.last() < plan.messages {
        let message = match timeout(patience, reader.next()).await {
            Ok(Ok(message)) => message,
            Ok(Err(Fault::Io(_) | Fault::Ended)) if plan.resume => {
                reader = come_back(reader, patience).await?;
                continue;
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => break,
        };
        let (number, sent) = payload::read(&message, plan.len).ok_or(Fault::Altered)?;
        ended = Instant::now();
        if number == 0 {
            // What is on its way until here belongs to no message that counts.
            before = (reader.traffic(), reader.requests, reader.empty);
            if !warm {
                there.fetch_add(1, Ordering::Relaxed);
                warm = true;
            }
            continue;
        }
        sequence.take(number);
        let took = (ended - origin).saturating_sub(sent);
        report::record(&mut latency, took);
        if let Some(latest) = usize::try_from(number)
            .ok()
            .and_then(|number| latest.get(number))
        {
            latest.fetch_max(
                u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                Ordering::Relaxed,
            );
        }
    }
    sequence.end(plan.messages);
    let all_traffic = reader.traffic();
    let mut traffic = all_traffic;
    let (earlier, requests, empty) = before;
    traffic.up -= earlier.up;
    traffic.down -= earlier.down;
    traffic.reads -= earlier.reads;
    Ok(Followed {
        sequence,
        latency,
        traffic,
        all_traffic,
        requests: reader.requests - requests,
        empty: reader.empty - empty,
        ended,
    })
}

/// Connects anew until that succeeds, as clients do after a cut: with a pause of their own.
async fn come_back(reader: Reader, patience: Duration) -> Result<Reader, Fault> {
    const PAUSE: core::ops::RangeInclusive<u64> = 10..=100;
    let absent = reader.cut();
    let begun = Instant::now();
    loop {
        sleep(Duration::from_millis(fastrand::u64(PAUSE))).await;
        match absent.clone().reopen().await {
            Err(Fault::Io(_) | Fault::Ended) if begun.elapsed() < patience => {}
            reopened => return reopened,
        }
    }
}

/// The transport that a URL asks for where none is named.
pub(crate) fn transport(url: &str) -> Transport {
    if url.starts_with("ws") {
        Transport::WebSocket
    } else {
        Transport::Sse
    }
}

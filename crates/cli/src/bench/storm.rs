//! All readers are cut at once and come back at once, each at its position, while one that stayed reads on.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use hdrhistogram::Histogram;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::payload::{self, Sequence};
use super::publisher::Publisher;
use super::reader::{Absent, How, Reader};
use super::report::{self, Report};
use super::{Endpoint, Fault, Progress};

/// How long a reader waits for a message that is due.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many connections are being opened at a time.
const OPENING: usize = 256;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) how: How,
    pub(crate) readers: usize,
    /// Published while they are away.
    pub(crate) missed: u64,
    pub(crate) len: usize,
    /// Messages a second, all the time.
    pub(crate) rate: f64,
}

/// A reader at its position.
struct Seat {
    absent: Absent,
    sequence: Sequence,
}

/// Runs the storm and reports.
pub(crate) async fn run(
    subscribe: &Endpoint,
    publish: &Endpoint,
    plan: Plan,
    progress: &Progress,
) -> Result<(Report, bool), Fault> {
    let origin = Instant::now();
    let storm = Arc::new(AtomicBool::new(false));
    let (end, over) = watch::channel(());
    let published = Arc::new(AtomicU64::new(0));

    progress.begin("connecting", plan.readers as u64);
    let mut readers = Vec::with_capacity(plan.readers);
    for _ in 0..plan.readers {
        readers.push(Reader::open(subscribe, plan.how, None).await?);
        progress.step(1);
    }
    let calm = Calm {
        subscribe: subscribe.clone(),
        publish: publish.clone(),
        plan,
        origin,
        storm: Arc::clone(&storm),
        published: Arc::clone(&published),
        over,
    };
    let mut calm = calm.begin()?;

    // Each reads its first message, so that it has a position of its own.
    let mut tasks = JoinSet::new();
    for mut reader in readers {
        tasks.spawn(async move {
            let message = timeout(PATIENCE, reader.next())
                .await
                .map_err(|_| Fault::Silent)??;
            let (number, _) = payload::read(&message, plan.len).ok_or(Fault::Altered)?;
            let sequence = Sequence::after(number);
            let absent = reader.cut();
            Ok::<_, Fault>(Seat { absent, sequence })
        });
    }
    let seated = async {
        let mut seats = Vec::with_capacity(plan.readers);
        while let Some(seat) = tasks.join_next().await {
            seats.push(seat.map_err(|_| Fault::Ended)??);
        }
        Ok::<_, Fault>(seats)
    };
    let seats = tokio::select! {
        seats = seated => seats?,
        failed = &mut calm => return Err(failed.ok().and_then(Result::err).unwrap_or(Fault::Ended)),
    };
    let cut_at = published.load(Ordering::Relaxed);
    progress.begin("away", plan.missed);
    while published.load(Ordering::Relaxed) < cut_at + plan.missed {
        sleep(Duration::from_millis(5)).await;
    }

    progress.begin("coming back", plan.readers as u64);
    storm.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    let goal = published.load(Ordering::Relaxed);
    let mut caught_up = report::latencies();
    let (mut received, mut lost, mut doubled) = (0, 0, 0);
    let mut tasks = JoinSet::new();
    let opening = Arc::new(Semaphore::new(OPENING));
    for Seat {
        absent,
        mut sequence,
    } in seats
    {
        let opening = Arc::clone(&opening);
        tasks.spawn(async move {
            // The queue of a listener is short: what does not fit into it would be tried again a second later.
            let permit = opening.acquire().await.map_err(|_| Fault::Ended)?;
            let mut reader = absent.reopen().await?;
            drop(permit);
            while sequence.last() < goal {
                let message = timeout(PATIENCE, reader.next())
                    .await
                    .map_err(|_| Fault::Silent)??;
                let (number, _) = payload::read(&message, plan.len).ok_or(Fault::Altered)?;
                sequence.take(number);
            }
            // It stays connected until all are back.
            Ok::<_, Fault>((reader, sequence, begun.elapsed()))
        });
    }
    let mut back = Vec::with_capacity(plan.readers);
    while let Some(returned) = tasks.join_next().await {
        let (reader, sequence, took) = returned.map_err(|_| Fault::Ended)??;
        report::record(&mut caught_up, took);
        received += sequence.received;
        lost += sequence.lost;
        doubled += sequence.doubled;
        back.push(reader);
        progress.step(1);
    }
    let elapsed = begun.elapsed();
    drop(end);
    let live = calm.await.map_err(|_| Fault::Ended)??;
    progress.end();

    let mut report = Report::default();
    report.text("via", plan.how.via.as_str());
    report.count("readers", back.len() as u64);
    report.count("missed_per_reader", plan.missed);
    report.time("all_caught_up_after", elapsed);
    report.latency("caught_up_after", &caught_up);
    report.latency("latency_of_the_reader_that_stayed", &live);
    report.count("deliveries", received);
    report.count("lost", lost);
    report.count("doubled", doubled);
    Ok((report, lost == 0 && doubled == 0))
}

/// The publisher and the reader that stays. They have a thread of their own: in the queue of
/// thousands that come back, their latency would be this program's and not the server's.
struct Calm {
    subscribe: Endpoint,
    publish: Endpoint,
    plan: Plan,
    origin: Instant,
    storm: Arc<AtomicBool>,
    published: Arc<AtomicU64>,
    over: watch::Receiver<()>,
}

impl Calm {
    /// Publishes and reads until all is over, then gives the latency of the reader.
    fn begin(self) -> Result<oneshot::Receiver<Result<Histogram<u64>, Fault>>, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            // Who asked may be gone, after a fault of its own.
            let _ = end.send(runtime.block_on(self.run()));
        });
        Ok(ended)
    }

    async fn run(self) -> Result<Histogram<u64>, Fault> {
        let publisher = Publisher::open(&self.publish).await?;
        let reader = Reader::open(&self.subscribe, self.plan.how, None).await?;
        let (live, ()) = tokio::try_join!(self.stay(reader), self.keep_publishing(publisher))?;
        Ok(live)
    }

    async fn keep_publishing(&self, mut publisher: Publisher) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut number = 0;
        while self.over.has_changed().is_ok() {
            let due = begun + Duration::from_secs_f64(number as f64 / self.plan.rate);
            tokio::time::sleep_until(due).await;
            number += 1;
            publisher.publish(&payload::make(number, due - self.origin, self.plan.len))?;
            publisher.acknowledged().await?;
            self.published.store(number, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reads on through the storm; what it measures is the time since each message was due.
    async fn stay(&self, mut reader: Reader) -> Result<Histogram<u64>, Fault> {
        let mut latency = report::latencies();
        let mut over = self.over.clone();
        loop {
            let message = tokio::select! {
                message = timeout(PATIENCE, reader.next()) => message.map_err(|_| Fault::Silent)??,
                _ = over.changed() => return Ok(latency),
            };
            let (_, sent) = payload::read(&message, self.plan.len).ok_or(Fault::Altered)?;
            if self.storm.load(Ordering::Relaxed) {
                report::record(&mut latency, self.origin.elapsed().saturating_sub(sent));
            }
        }
    }
}

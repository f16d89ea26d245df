//! `tidings-websocket` and `tungstenite` over the same octets, in both roles.
//!
//! `websocket-differential [SESSIONS] [SEED]`: random sessions, mostly legal. Both must tell the same messages and write the
//! same Pongs, in the same order; where one of them refuses, the other must too, but for the reasons that are counted. A
//! session without a reason is printed with its octets, and the exit code is 1.

mod dice;
mod ours;
mod session;
mod theirs;

use std::collections::BTreeMap;
use std::process::ExitCode;

use session::{End, Told};
use tidings_websocket::ReceiveErrorKind;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse().ok());
    let sessions: u64 = arguments.next().flatten().unwrap_or(200_000);
    let seed: u64 = arguments.next().flatten().unwrap_or(1);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut unexplained = 0;
    for number in 0..sessions {
        let mut dice = dice::Dice::new(seed.wrapping_add(number));
        let session = session::random(&mut dice);
        for server in [true, false] {
            let wire = session.octets(server, &mut dice);
            let pieces = session::cut(&wire, &mut dice);
            let ours = ours::read(&pieces, server);
            let theirs = theirs::read(&pieces, server);
            match compare(&ours, &theirs) {
                Ok(reason) => *counts.entry(reason).or_default() += 1,
                Err(reason) => {
                    unexplained += 1;
                    let role = if server { "server" } else { "client" };
                    println!("session {number}, {role}: {reason}\n  wire   {wire:02x?}");
                    println!("  ours   {ours:?}\n  theirs {theirs:?}");
                }
            }
        }
        let sent = session::messages(&mut dice);
        for (name, got) in [
            (
                "tungstenite reads our client",
                theirs::read_messages(&ours::write(&sent, false), true),
            ),
            (
                "tungstenite reads our server",
                theirs::read_messages(&ours::write(&sent, true), false),
            ),
            (
                "we read tungstenite's client",
                ours::read_messages(&theirs::write(&sent, false), true),
            ),
            (
                "we read tungstenite's server",
                ours::read_messages(&theirs::write(&sent, true), false),
            ),
        ] {
            *counts.entry(name).or_default() += 1;
            if got != sent {
                unexplained += 1;
                println!("session {number}: {name}\n  sent {sent:?}\n  got  {got:?}");
            }
        }
    }
    println!("{sessions} sessions from seed {seed}, each in both roles:");
    for (reason, count) in counts {
        println!("{count:>9} {reason}");
    }
    println!("{unexplained:>9} without a reason");
    ExitCode::from(u8::from(unexplained > 0))
}

/// Why the two agree, or may differ. Told is what comes before an end; an end is a Close, a refusal, or none.
fn compare(ours: &Told, theirs: &Told) -> Result<&'static str, &'static str> {
    let same = ours.events == theirs.events && ours.pongs == theirs.pongs;
    let ours_first = theirs.events.starts_with(&ours.events);
    match (&ours.end, &theirs.end) {
        (End::Open, End::Open) if same => Ok("agree: all is read"),
        (End::Closed(a), End::Closed(b)) if same && a == b => Ok("agree: a Close ends it"),
        (End::Refused(_), End::Refused(_)) if same => Ok("agree: both refuse"),
        // tungstenite tells a Close of 1002 for one whose code may not be sent.
        (End::Refused(ReceiveErrorKind::CloseCode { .. }), End::Closed(Some((1002, _))))
            if same =>
        {
            Ok("agree: both refuse the code of a Close")
        }
        (End::Refused(ReceiveErrorKind::LengthNotMinimal { .. }), _) if ours_first => {
            Ok("ours is stricter: a length that is not the shortest (RFC 6455 §5.2)")
        }
        (End::Refused(ReceiveErrorKind::CloseTruncated), _) if ours_first => {
            Ok("ours is stricter: half a status code (RFC 6455 §5.5.1)")
        }
        (End::Refused(ReceiveErrorKind::ControlTooLong), _) if ours_first => Ok(
            "ours is stricter: a control frame with the length of a long one (RFC 6455 §5.2, §5.5)",
        ),
        // Registered with IANA by the authors of RFC 6455, after it.
        (End::Closed(Some((1014, _))), End::Closed(Some((1002, _)))) if same => {
            Ok("theirs is stricter: it refuses the registered code 1014")
        }
        // Neither its text nor its header waits for the rest of a frame.
        (End::Refused(_), End::Open) if same => {
            Ok("ours is earlier: the fault is in a frame that has not ended")
        }
        (End::Refused(ReceiveErrorKind::NotUtf8), End::Refused(_)) if ours_first => {
            Ok("ours is earlier: text that is not UTF-8 in a fragment")
        }
        _ => Err("they differ"),
    }
}

//! A client that echoes, for the fuzzing server of Autobahn|Testsuite: `tidings-http1` and `tidings-websocket` over std.
//!
//! `AUTOBAHN_URL=ws://127.0.0.1:9001 autobahn_client`, which `run-client.sh` does.

#![forbid(unsafe_code)]

use core::error::Error;
use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use bytes::BytesMut;
use tidings_http1::{ClientConnection, ClientEvent, Content, Limits};
use tidings_websocket::{
    Client, ClientHandshake, Config, Connection, DeflateOptions, Event, IoAction, Message,
};

type Failure = Box<dyn Error + Send + Sync>;

/// What is gathered before it is written.
const BATCH_LEN: usize = 64 << 10;

fn main() -> Result<(), Failure> {
    let url = std::env::var("AUTOBAHN_URL")?;
    let authority = url
        .strip_prefix("ws://")
        .ok_or("AUTOBAHN_URL is no ws URL")?;
    let mut count = String::new();
    run(authority, "/getCaseCount", |_, message| {
        if let Message::Text(text) = message {
            count.push_str(text.as_str());
        }
        Ok(())
    })?;
    for case in 1..=count.parse::<usize>()? {
        let target = format!("/runCase?case={case}&agent=tidings");
        run(authority, &target, Session::echo)?;
    }
    Ok(())
}

/// One connection, from its handshake to its end.
struct Session {
    stream: TcpStream,
    connection: Connection<Client>,
    input: BytesMut,
    out: BytesMut,
    origin: Instant,
}

/// Gives each message of a connection to `answer`, until the connection ends.
fn run(
    authority: &str,
    target: &str,
    mut answer: impl FnMut(&mut Session, Message) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut session = Session::open(authority, target)?;
    loop {
        while let Some(event) = {
            let now = session.origin.elapsed();
            session.connection.next_event(&mut session.input, now)
        } {
            if let Event::Message(message) = event {
                answer(&mut session, message)?;
            }
            session.transmit()?;
        }
        session.flush()?;
        match session.connection.io_action() {
            IoAction::Continue => session.read()?,
            IoAction::ShutdownWrite => {
                session.stream.shutdown(Shutdown::Write)?;
                session.read()?;
            }
            IoAction::Close => return Ok(()),
        }
    }
}

impl Session {
    fn open(authority: &str, target: &str) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(authority)?;
        stream.set_nodelay(true)?;
        // The server keeps its context, this client does not: both are to be tested.
        let mut options = DeflateOptions::default();
        options.server_takeover = true;
        let handshake = ClientHandshake::new(random()?, &[])?.offer_deflate(options);
        let mut http = ClientConnection::new(Limits::default());
        let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
        let fields = [("Host", authority.as_bytes())].into_iter();
        let fields = fields.chain(handshake.fields());
        http.send_request("GET", target, fields, Content::None, &mut out)?;
        http.send_end(&mut out)?;
        stream.write_all(&out)?;
        let head = loop {
            match http.next_event(&mut input)? {
                Some(ClientEvent::Upgraded(head)) => break head,
                Some(event) => return Err(format!("no upgrade: {event:?}").into()),
                None if read(&mut stream, &mut input)? == 0 => return Err("no answer".into()),
                None => {}
            }
        };
        let (_, agreed) = handshake.check_deflate(head.status(), head.fields().iter())?;
        let mut config = Config::default();
        config.ping_after = None;
        Ok(Self {
            stream,
            connection: Connection::with_deflate(config, agreed.as_ref(), Duration::ZERO),
            input,
            out: BytesMut::new(),
            origin: Instant::now(),
        })
    }

    fn echo(&mut self, message: Message) -> Result<(), Failure> {
        self.connection
            .send_message(&message, random()?, &mut self.out)?;
        if self.out.len() >= BATCH_LEN {
            self.flush()?;
        }
        Ok(())
    }

    /// Each control frame takes a key of its own.
    fn transmit(&mut self) -> Result<(), Failure> {
        while self.connection.wants_transmit() && self.connection.transmit(random()?, &mut self.out)
        {
        }
        Ok(())
    }

    /// The server may be gone by the time that its Close is answered, which is no fault.
    fn flush(&mut self) -> io::Result<()> {
        self.transmit().map_err(io::Error::other)?;
        let written = self.stream.write_all(&self.out);
        self.out.clear();
        match written {
            Err(_) if !self.connection.may_send() => Ok(()),
            written => written,
        }
    }

    /// Waits for octets, their end, or what is due.
    fn read(&mut self) -> io::Result<()> {
        let now = self.origin.elapsed();
        let wait = self
            .connection
            .poll_timeout()
            .map(|due| due.saturating_sub(now).max(Duration::from_millis(1)));
        self.stream.set_read_timeout(wait)?;
        match read(&mut self.stream, &mut self.input) {
            Ok(1..) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                self.connection.handle_timeout(self.origin.elapsed());
            }
            Ok(0) | Err(_) => {
                self.connection.receive_eof(self.origin.elapsed());
            }
        }
        Ok(())
    }
}

fn read(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    let held = input.len();
    input.resize(held + BATCH_LEN, 0);
    let read = stream.read(input.get_mut(held..).unwrap_or_default());
    input.truncate(held + *read.as_ref().unwrap_or(&0));
    read
}

/// RFC 6455 §5.3: a masking key is one that nobody can predict.
fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets)?;
    Ok(octets)
}

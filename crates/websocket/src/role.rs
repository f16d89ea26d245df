//! Who speaks: the client masks its frames, the server does not (RFC 6455 §5.1).

mod sealed {
    #[expect(
        unnameable_types,
        reason = "that nobody can name it is what seals `Role`"
    )]
    pub trait Sealed {}
}

/// The side of a connection, as a type: [`Server`] or [`Client`].
pub trait Role: sealed::Sealed {
    /// What sending a frame costs: nothing for a server, a masking key for a client.
    ///
    /// The key must be a fresh value that the peer cannot predict, for every frame. With a constant or a guessable key,
    /// whoever chooses the payload also chooses the octets on the wire, and can make them look like an HTTP request to a
    /// proxy between the two, whose cache is then poisoned (RFC 6455 §10.3).
    type Key: Copy;

    /// True for the side that accepted: frames arrive masked, and it ends the TCP connection.
    #[doc(hidden)]
    const IS_SERVER: bool;

    /// The masking key of a frame to send.
    #[doc(hidden)]
    fn key(key: Self::Key) -> Option<[u8; 4]>;
}

/// The side that accepted: its frames carry no masking key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {}

/// The side that connected: each of its frames carries a masking key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {}

impl sealed::Sealed for Server {}
impl sealed::Sealed for Client {}

impl Role for Server {
    type Key = ();
    const IS_SERVER: bool = true;

    fn key((): ()) -> Option<[u8; 4]> {
        None
    }
}

impl Role for Client {
    type Key = [u8; 4];
    const IS_SERVER: bool = false;

    fn key(key: [u8; 4]) -> Option<[u8; 4]> {
        Some(key)
    }
}

//! What an association may use, and how patient it is.

use core::time::Duration;

/// Ports, limits and timers of an association.
///
/// The default is what data channels in browsers use.
#[derive(Clone, Debug)]
pub struct SctpConfig {
    /// Our port (RFC 8841 §5.1; data channels use 5000).
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// How many streams there may be in each direction. The peer may want less.
    pub max_streams: u16,
    /// The size of a packet that congestion control counts with. Packets are
    /// as large as the writer given to `poll_transmit` allows.
    pub mtu: usize,
    /// How many bytes may wait for the application or for missing pieces.
    /// It is the window that the peer sees; beyond it data is dropped.
    pub receive_buffer: usize,
    /// How many bytes may wait for the peer; beyond it `send` says full.
    pub send_buffer: usize,
    /// The largest message the peer may send; a larger one ends the association.
    pub max_receive_message: usize,
    /// The largest message the peer wants; a larger one is refused by `send`.
    pub max_send_message: usize,
    /// How many holes in what arrived are remembered; data behind more is dropped.
    pub max_gaps: usize,
    /// Whether packets may go without a checksum, if the peer agrees
    /// (RFC 9653). Only right below DTLS, which is stronger than any checksum.
    pub zero_checksum: bool,
    /// How many packets may be sent before anything is known of the path.
    pub initial_window: usize,
    /// How many timeouts in a row end the association (Association.Max.Retrans).
    /// With the default backoff the default is about four minutes: whether the
    /// peer still consents is for ICE to say, and an ICE restart takes a while.
    pub max_retransmits: u32,
    /// How often INIT and COOKIE ECHO are repeated (Max.Init.Retransmits).
    pub max_init_retransmits: u32,
    /// How patient it is.
    pub timers: Timers,
}

impl Default for SctpConfig {
    fn default() -> Self {
        Self {
            local_port: 5000,
            remote_port: 5000,
            max_streams: 1024,
            mtu: 1200,
            receive_buffer: 1 << 20,
            send_buffer: 2 << 20,
            max_receive_message: 256 << 10,
            max_send_message: 256 << 10,
            max_gaps: 128,
            zero_checksum: true,
            initial_window: 10,
            max_retransmits: 60,
            max_init_retransmits: 20,
            timers: Timers::default(),
        }
    }
}

/// How patient is an association (RFC 9260 §16)?
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// The retransmission timeout before a round trip was measured (RTO.Initial).
    pub rto_initial: Duration,
    /// The shortest retransmission timeout (RTO.Min); browsers use 400 ms.
    pub rto_min: Duration,
    /// The longest retransmission timeout (RTO.Max).
    pub rto_max: Duration,
    /// The longest wait to which repeated timeouts may add up. RFC 9260 lets
    /// it grow to RTO.Max; browsers, and this default, stop much earlier.
    pub backoff_max: Duration,
    /// How long a SACK may wait for a second packet; at most 500 ms.
    pub sack_delay: Duration,
    /// How long the path may be idle before a HEARTBEAT; `None` for none.
    pub heartbeat_interval: Option<Duration>,
    /// How long a cookie is good (Valid.Cookie.Life).
    pub cookie_life: Duration,
    /// How long an orderly end may take.
    pub shutdown_guard: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            rto_initial: Duration::from_secs(1),
            rto_min: Duration::from_millis(400),
            rto_max: Duration::from_secs(60),
            backoff_max: Duration::from_secs(4),
            sack_delay: Duration::from_millis(200),
            heartbeat_interval: Some(Duration::from_secs(30)),
            cookie_life: Duration::from_secs(60),
            shutdown_guard: Duration::from_secs(120),
        }
    }
}

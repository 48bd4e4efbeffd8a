//! How much may the media of a transport take, and how often is it reported on?

use core::time::Duration;

use crate::rtp::estimate;
use crate::rtp::receiver::ReceiverConfig;
use crate::rtp::sender::SenderConfig;
use crate::wire::rtp::Ssrc;

/// Limits and paces of a [`Media`](super::Media).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MediaConfig {
    /// How many lines there may be. Of more, the last are not set.
    pub max_lines: usize,
    /// How many sources may be received at once. Beyond it, one that nobody announced
    /// and that was silent longest makes room, or else the new one is ignored.
    pub max_sources: usize,
    /// How many of them may be such that no description announced.
    pub max_unannounced: usize,
    /// How many participants are counted that send reports only. Of more, none is kept.
    pub max_members: usize,
    /// How many events wait to be taken, beside frames and packets. At the limit
    /// new ones are lost and counted.
    pub max_events: usize,
    /// How streams are sent; their SSRCs are each line's own.
    pub sender: SenderConfig,
    /// How sources are received; the mode is each line's own.
    pub receiver: ReceiverConfig,
    /// How many bits a second the session has at least, of which RTCP takes 5 % with
    /// all participants together (RFC 3550 §6.2). If more media flow, that counts.
    pub session_bandwidth: u64,
    /// How much time is between two regular reports at least, on average
    /// (`T_rr_interval` of RFC 4585 §3.4); more if the bandwidth asks for it.
    pub report_interval: Duration,
    /// After how much silence a source is given up, if its reports are silent too.
    pub source_timeout: Duration,
    /// How often the arrivals of packets are told, where that was agreed.
    pub feedback_interval: Duration,
    /// What is thought of the network that carries the peer's packets to us.
    pub estimate: estimate::Config,
    /// Whether a pure receiver asks for the time that packets are under way
    /// (RFC 3611 §4.4).
    pub receiver_time: bool,
    /// How many [`PacketResult`](super::PacketResult)s wait to be taken; 0 if nobody
    /// wants them. At the limit the oldest is lost.
    pub packet_results: usize,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            max_lines: 1024,
            max_sources: 256,
            max_unannounced: 64,
            max_members: 64,
            max_events: 256,
            sender: SenderConfig::new(Ssrc(0)),
            receiver: ReceiverConfig::default(),
            session_bandwidth: 256_000,
            report_interval: Duration::from_secs(1),
            source_timeout: Duration::from_secs(30),
            feedback_interval: Duration::from_millis(100),
            estimate: estimate::Config::default(),
            receiver_time: true,
            packet_results: 0,
        }
    }
}

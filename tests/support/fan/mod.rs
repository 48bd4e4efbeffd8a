//! One publisher to many subscribers: of the machines alone, and of whole connections.

use std::time::Duration;

pub(crate) mod connections;
pub(crate) mod parts;

/// The heart of an SFU, and a publisher.
pub(crate) trait Fan {
    /// The publisher's next packet, sealed.
    fn publish(&mut self, datagram: &mut Vec<u8>);
    /// Opens what has come at a time and sends it to all; how many datagrams that made.
    fn forward(&mut self, datagrams: &mut [Vec<u8>]) -> usize;
    /// What else is to do from time to time.
    fn tend(&mut self) {}
}

/// How many bytes of video are in a packet.
pub(crate) const PAYLOAD: usize = 1150;

/// From one packet to the next: 2.3 Mbit/s.
pub(crate) const PACE: Duration = Duration::from_millis(4);

/// After so many packets all memory is there.
pub(crate) const WARM_UP: usize = 1500;

//! How much may be on its way (RFC 9260 §7.2)?

/// How much may be on its way?
///
/// Slow start, congestion avoidance and fast recovery as RFC 9260 has them. In
/// slow start a SACK may open the window by two packets (RFC 3465 §2.2), since
/// receivers acknowledge every second one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Congestion {
    mtu: usize,
    window: usize,
    threshold: usize,
    /// Bytes acknowledged since the window last grew in congestion avoidance.
    partial: usize,
    /// Until this TSN is acknowledged, losses are part of the same event.
    recovery: Option<u64>,
}

impl Congestion {
    /// Nothing is known of the path.
    pub(crate) const fn new(mtu: usize, packets: usize) -> Self {
        Self {
            mtu,
            window: mtu * packets,
            threshold: usize::MAX,
            partial: 0,
            recovery: None,
        }
    }

    /// How many bytes may be on their way.
    pub(crate) const fn window(&self) -> usize {
        self.window
    }

    /// The size of a packet.
    pub(crate) const fn mtu(&self) -> usize {
        self.mtu
    }

    /// Whether a loss was answered and the answer is not over yet.
    pub(crate) const fn in_recovery(&self) -> bool {
        self.recovery.is_some()
    }

    /// `acked` bytes arrived, everything up to `cumulative` among them, when
    /// `flight` bytes were on their way.
    pub(crate) fn on_acked(
        &mut self,
        acked: usize,
        flight: usize,
        cumulative: u64,
        advanced: bool,
    ) {
        let in_recovery = self.recovery.is_some();
        if self.recovery.is_some_and(|exit| cumulative >= exit) {
            self.recovery = None;
        }
        // §7.2.1: the window grows only if it is what limits the sender.
        let is_limit = flight + self.mtu > self.window;
        if in_recovery || !advanced || acked == 0 {
            return;
        }
        if self.window <= self.threshold {
            if is_limit {
                self.window += acked.min(SLOW_START_PACKETS * self.mtu);
            }
            return;
        }
        self.partial += acked;
        if self.partial >= self.window {
            if is_limit {
                self.partial -= self.window;
                self.window += self.mtu;
            } else {
                self.partial = self.window;
            }
        }
    }

    /// Something is missing, and `highest` is the last TSN that was sent:
    /// `true` if this is a new event (§7.2.3, §7.2.4).
    pub(crate) fn on_loss(&mut self, highest: u64) -> bool {
        if self.recovery.is_some() {
            return false;
        }
        self.recovery = Some(highest);
        self.threshold = (self.window / 2).max(MIN_THRESHOLD_PACKETS * self.mtu);
        self.window = self.threshold;
        self.partial = 0;
        true
    }

    /// Nothing came back in time (§7.2.3).
    pub(crate) fn on_timeout(&mut self) {
        self.threshold = (self.window / 2).max(MIN_THRESHOLD_PACKETS * self.mtu);
        self.window = self.mtu;
        self.partial = 0;
        self.recovery = None;
    }
}

/// RFC 3465's L: by how many packets a SACK may open the window in slow start.
const SLOW_START_PACKETS: usize = 2;

/// §7.2.3: the threshold does not fall below this.
const MIN_THRESHOLD_PACKETS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_start_grows_only_if_the_window_limits() {
        let mut control = Congestion::new(1000, 10);
        control.on_acked(2000, 10_000, 2, true);
        assert_eq!(control.window(), 12_000);
        control.on_acked(2000, 5_000, 4, true);
        assert_eq!(control.window(), 12_000);
        control.on_acked(9000, 12_000, 13, true);
        assert_eq!(control.window(), 14_000);
    }

    #[test]
    fn congestion_avoidance_grows_one_packet_per_window() {
        let mut control = Congestion::new(1000, 20);
        assert!(control.on_loss(20));
        control.on_acked(1000, 10_000, 20, true);
        assert_eq!((control.window(), control.in_recovery()), (10_000, false));
        for tsn in 0..10 {
            control.on_acked(1000, 10_000, 21 + tsn, true);
        }
        // At the threshold itself it is still slow start.
        assert_eq!(control.window(), 11_000);
        for tsn in 0..11 {
            control.on_acked(1000, 11_000, 31 + tsn, true);
        }
        assert_eq!(control.window(), 12_000);
    }

    /// SCTP-043: the window is halved once per recovery.
    #[test]
    fn one_event_halves_once() {
        let mut control = Congestion::new(1000, 40);
        assert!(control.on_loss(40));
        assert!(!control.on_loss(45));
        assert_eq!(control.window(), 20_000);
        control.on_acked(1000, 20_000, 40, true);
        assert!(control.on_loss(50));
        assert_eq!(control.window(), 10_000);
    }

    /// SCTP-044: a timeout leaves one packet, and a threshold of at least four.
    #[test]
    fn a_timeout_leaves_one_packet() {
        let mut control = Congestion::new(1000, 6);
        control.on_timeout();
        assert_eq!((control.window(), control.threshold), (1000, 4000));
    }
}

//! When is a key frame asked for?

use core::time::Duration;

use crate::time::Instant;

/// Asks until a key frame came, but not too often.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyFrames {
    is_wanted: bool,
    /// Before this moment is not asked; `None` if it passed.
    earliest: Option<Instant>,
    /// The number of the request (RFC 5104 §4.3.1.1).
    request: u8,
}

impl KeyFrames {
    pub(super) const fn new() -> Self {
        Self {
            is_wanted: false,
            earliest: None,
            request: 0,
        }
    }

    pub(super) const fn want(&mut self) {
        if !self.is_wanted {
            self.is_wanted = true;
            // RFC 5104 §4.3.1.1: a new request has a new number, a repetition has not.
            self.request = self.request.wrapping_add(1);
        }
    }

    /// One came, or nothing more will.
    pub(super) const fn done(&mut self) {
        self.is_wanted = false;
    }

    /// The one that was asked for is on its way.
    pub(super) fn comes_until(&mut self, until: Instant) {
        if self.is_wanted {
            self.earliest = self.earliest.max(Some(until));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.earliest = self.earliest.filter(|moment| *moment > now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.earliest.filter(|_| self.is_wanted)
    }

    /// The number of the request that is to be made now, and at the earliest
    /// after `pause` again.
    pub(super) fn poll(&mut self, now: Instant, pause: Duration) -> Option<u8> {
        self.handle_timeout(now);
        if !self.is_wanted || self.earliest.is_some() {
            return None;
        }
        self.earliest = Some(now + pause);
        Some(self.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_011_one_request_in_its_time_until_it_is_met() {
        let at = Instant::from_millis;
        let pause = Duration::from_millis(500);
        let mut key_frames = KeyFrames::new();
        assert_eq!(key_frames.poll(at(0), pause), None);
        key_frames.want();
        assert_eq!(key_frames.poll_timeout(), None, "it is due already");
        assert_eq!(key_frames.poll(at(1), pause), Some(1));
        key_frames.want();
        assert_eq!(key_frames.poll_timeout(), Some(at(501)));
        assert_eq!(key_frames.poll(at(500), pause), None);
        assert_eq!(key_frames.poll(at(501), pause), Some(1));
        key_frames.done();
        assert_eq!(key_frames.poll_timeout(), None);
        // Another loss right behind does not make it faster.
        key_frames.want();
        assert_eq!(key_frames.poll(at(502), pause), None);
        key_frames.handle_timeout(at(1001));
        assert_eq!(key_frames.poll_timeout(), None);
        assert_eq!(key_frames.poll(at(1001), pause), Some(2));
    }
}

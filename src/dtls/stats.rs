//! How is it going? Counters, among them one for every reason to drop something.

/// What a [`DtlsTransport`](super::DtlsTransport) has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records written.
    pub records_sent: u64,
    /// Records read and accepted.
    pub records_received: u64,
    /// How often a flight was sent again.
    pub retransmissions: u64,
    /// Datagrams or plaintext contents that are no DTLS.
    pub malformed: u64,
    /// Records of an epoch that is over or not yet there, and content that has
    /// no place in its epoch.
    pub wrong_epoch: u64,
    /// Records seen before, or too old to tell.
    pub replayed: u64,
    /// Records whose tag was wrong.
    pub forged: u64,
    /// Fragments that contradict others, or lie beyond a limit.
    pub fragments_dropped: u64,
    /// Handshake messages, alerts and cipher changes out of turn.
    pub unexpected: u64,
    /// Records before their keys that had to give way or were too long.
    pub early_dropped: u64,
    /// Whatever came after the end.
    pub after_close: u64,
}

/// Why is this dropped without a word (RFC 6347 §4.1.2.7)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noise {
    Malformed,
    WrongEpoch,
    Replayed,
    Forged,
    Fragment,
    Unexpected,
    Early,
    AfterClose,
}

impl Stats {
    /// One more of this.
    pub(super) const fn count(&mut self, noise: Noise) {
        let counter = match noise {
            Noise::Malformed => &mut self.malformed,
            Noise::WrongEpoch => &mut self.wrong_epoch,
            Noise::Replayed => &mut self.replayed,
            Noise::Forged => &mut self.forged,
            Noise::Fragment => &mut self.fragments_dropped,
            Noise::Unexpected => &mut self.unexpected,
            Noise::Early => &mut self.early_dropped,
            Noise::AfterClose => &mut self.after_close,
        };
        *counter += 1;
    }
}

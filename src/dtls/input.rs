//! What a record from the path leads to.
//!
//! ```text
//! open ─► on_record ─┬─ epoch 0 ─► on_plain ──┬─► on_fragments ─► on_message ─► advance
//!                    │                        ├─► on_change_cipher_spec ─► held records
//!                    │                        └─► on_alert
//!                    └─ epoch 1 ─► on_sealed ─┬─► application data, to the caller
//!                       (held without keys)   └─► on_fragments, on_alert
//! ```

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::association::Association;
use super::close::CloseReason;
use super::reassembly::Received;
use super::record::Epoch;
use super::stats::Noise;
use super::transport::{DtlsTransport, Phase, Refusal, Timer};
use super::v12::Handshake;
use crate::cursor::Reader;
use crate::time::Instant;
use crate::wire::dtls::{
    Alert, CHANGE_CIPHER_SPEC, ContentType, Fragment, HandshakeType, RecordHeader,
};

impl DtlsTransport {
    pub(super) fn on_record<'d>(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        content: &'d mut [u8],
    ) -> Result<Option<&'d mut [u8]>, Noise> {
        if matches!(self.phase, Phase::Closing(..) | Phase::Closed(_)) {
            return Err(Noise::AfterClose);
        }
        match header.epoch {
            0 => self
                .on_plain(now, header.content_type, content)
                .map(|()| None),
            1 if self.association.epochs.reads_sealed() => self.on_sealed(now, header, content),
            1 => self.hold(header, content).map(|()| None),
            _ => Err(Noise::WrongEpoch),
        }
    }

    fn on_plain(&mut self, now: Instant, kind: ContentType, content: &[u8]) -> Result<(), Noise> {
        match kind {
            ContentType::Handshake => self.on_fragments(now, Epoch::Plain, content),
            ContentType::ChangeCipherSpec => self.on_change_cipher_spec(now, content),
            // RFC 6347 §4.1: once the peer has keys, what it says without them is not its own.
            ContentType::Alert if self.association.epochs.reads_sealed() => Err(Noise::WrongEpoch),
            ContentType::Alert => self.on_alert(content),
            ContentType::ApplicationData | ContentType::Unknown(_) => Err(Noise::WrongEpoch),
        }?;
        self.stats.records_received += 1;
        Ok(())
    }

    fn on_sealed<'d>(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        content: &'d mut [u8],
    ) -> Result<Option<&'d mut [u8]>, Noise> {
        let opened = self.association.epochs.open(header, content);
        if opened == Err(Noise::Forged) && self.association.epochs.is_worn() {
            self.end(CloseReason::KeysUsedUp);
        }
        let content = opened?;
        self.stats.records_received += 1;
        match header.content_type {
            ContentType::ApplicationData => return self.on_application_data(content),
            ContentType::Handshake => self.on_fragments(now, Epoch::Sealed, content)?,
            ContentType::Alert => self.on_alert(content)?,
            ContentType::ChangeCipherSpec | ContentType::Unknown(_) => {
                return Err(Noise::Unexpected);
            }
        }
        Ok(None)
    }

    fn on_application_data<'d>(
        &mut self,
        content: &'d mut [u8],
    ) -> Result<Option<&'d mut [u8]>, Noise> {
        if !matches!(self.phase, Phase::Connected) {
            return self.keep_early(content).map(|()| None);
        }
        // A client sends data only after our Finished: it needs no repetition.
        self.association.flight.clear();
        Ok((!content.is_empty()).then_some(content))
    }

    fn on_alert(&mut self, content: &[u8]) -> Result<(), Noise> {
        // Nothing was said that could be refused.
        if matches!(self.phase, Phase::New) {
            return Err(Noise::Unexpected);
        }
        let alert = Alert::parse(&mut Reader::new(content)).map_err(|_| Noise::Malformed)?;
        let reason = CloseReason::from_alert(alert).ok_or(Noise::Unexpected)?;
        self.end(reason);
        Ok(())
    }

    fn on_change_cipher_spec(&mut self, now: Instant, content: &[u8]) -> Result<(), Noise> {
        let expected = self
            .handshake
            .as_ref()
            .is_some_and(|handshake| handshake.expects_change_cipher_spec());
        if content != CHANGE_CIPHER_SPEC {
            return Err(Noise::Malformed);
        }
        // Early or repeated: the epoch changes once, after all that comes before.
        if !expected || !self.association.epochs.change_read() {
            return Err(Noise::Unexpected);
        }
        for mut record in core::mem::take(&mut self.held) {
            // One of them may end the handshake, and data may follow it.
            if let Some(data) = self.open(now, &mut &mut record[..]) {
                let _ = self.keep_early(data);
            }
        }
        Ok(())
    }

    /// Handshake fragments, one or more in a record. A peer may repeat what we
    /// have together with what we have not: each counts by itself.
    fn on_fragments(&mut self, now: Instant, epoch: Epoch, content: &[u8]) -> Result<(), Noise> {
        let r = &mut Reader::new(content);
        while !r.is_empty() {
            let fragment = Fragment::parse(r).map_err(|_| Noise::Malformed)?;
            let taken = match self.phase {
                Phase::Connected => self.on_late_fragment(now, epoch, &fragment),
                _ => self.on_fragment(now, epoch, &fragment),
            };
            if let Err(noise) = taken {
                self.stats.count(noise);
            }
        }
        Ok(())
    }

    fn on_fragment(
        &mut self,
        now: Instant,
        epoch: Epoch,
        fragment: &Fragment<'_>,
    ) -> Result<(), Noise> {
        if self.reassembly.is_old(fragment) {
            return self.on_repetition(now);
        }
        // Once the peer has keys, it says nothing new without them.
        if epoch == Epoch::Plain && self.association.epochs.reads_sealed() {
            return Err(Noise::WrongEpoch);
        }
        let admitted = self
            .handshake
            .as_ref()
            .is_some_and(|handshake| handshake.admits(fragment.kind, epoch));
        if !admitted {
            return Err(Noise::Unexpected);
        }
        self.reassembly.push(fragment)?;
        while let Some(message) = self.reassembly.pop() {
            self.on_message(&message);
        }
        Ok(())
    }

    /// A handshake message after the handshake.
    fn on_late_fragment(
        &mut self,
        now: Instant,
        epoch: Epoch,
        fragment: &Fragment<'_>,
    ) -> Result<(), Noise> {
        // Anybody can repeat what was said in plaintext.
        if epoch == Epoch::Plain {
            return Err(Noise::WrongEpoch);
        }
        if self.reassembly.is_old(fragment) {
            return self.on_repetition(now);
        }
        let renegotiates = matches!(
            fragment.kind,
            HandshakeType::HelloRequest | HandshakeType::ClientHello
        );
        // RFC 5246 §7.2.2: the wish to negotiate again may be refused with a warning.
        if renegotiates && self.refusal == Refusal::None {
            self.refusal = Refusal::Due;
        }
        Err(Noise::Unexpected)
    }

    /// The peer has not got our last flight.
    fn on_repetition(&mut self, now: Instant) -> Result<(), Noise> {
        if !self.association.flight.on_repetition(now) {
            return Err(Noise::Replayed);
        }
        self.timers.stop(Timer::Retransmit);
        self.stats.retransmissions += 1;
        Ok(())
    }

    fn on_message(&mut self, message: &Received) {
        if matches!(self.phase, Phase::New) {
            self.phase = Phase::Connecting;
        }
        self.advance(|handshake, association| handshake.on_message(association, message));
    }

    /// Lets the handshake take a step, and does what follows from it.
    pub(super) fn advance(
        &mut self,
        step: impl FnOnce(Handshake, &mut Association) -> Result<Handshake, CloseReason>,
    ) {
        let Some(handshake) = self.handshake.take() else {
            return;
        };
        match step(*handshake, &mut self.association) {
            Ok(handshake) => self.handshake = Some(Box::new(handshake)),
            Err(reason) => return self.end(reason),
        }
        if !self.association.flight.is_waiting() {
            self.timers.stop(Timer::Retransmit);
        }
        if self.association.session.is_some() {
            self.phase = Phase::Connected;
            self.handshake = None;
            self.timers.stop_all();
            self.reassembly.clear();
        }
    }

    /// Keeps a record that comes before its keys.
    fn hold(&mut self, header: &RecordHeader, content: &[u8]) -> Result<(), Noise> {
        let limits = self.association.config.limits;
        if content.len() > limits.early_record_len || limits.early_records == 0 {
            return Err(Noise::Early);
        }
        let mut record = Vec::with_capacity(header.encoded_len() + content.len());
        record.extend_from_slice(&header.to_bytes());
        record.extend_from_slice(content);
        push_bounded(&mut self.held, record, limits.early_records)
    }

    /// Keeps data that comes before the end of the handshake.
    fn keep_early(&mut self, content: &[u8]) -> Result<(), Noise> {
        let limits = self.association.config.limits;
        if content.len() > limits.early_record_len || limits.early_records == 0 {
            return Err(Noise::Early);
        }
        push_bounded(&mut self.early, content.to_vec(), limits.early_records)
    }
}

/// Appends to a queue of at most `limit` entries; the oldest gives way.
fn push_bounded(queue: &mut VecDeque<Vec<u8>>, bytes: Vec<u8>, limit: usize) -> Result<(), Noise> {
    let is_full = queue.len() >= limit;
    if is_full {
        queue.pop_front();
    }
    queue.push_back(bytes);
    if is_full { Err(Noise::Early) } else { Ok(()) }
}

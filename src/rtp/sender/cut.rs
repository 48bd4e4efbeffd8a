//! How does a frame become packets?

use alloc::vec::Vec;

use bytes::Bytes;

use super::continuity::Continuity;
use super::history::History;
use super::slab::Slab;
use super::{Agreed, MediaFrame, SenderConfig, WriteError, packet};
use crate::cursor::Writer;
use crate::rtp::format::Format;
use crate::time::Instant;
use crate::wire::rtp::Timestamp;
use crate::wire::rtp::extension::Extension;

/// What is needed of a sender to cut a frame.
pub(super) struct Cut<'a> {
    pub(super) config: &'a SenderConfig,
    pub(super) agreed: &'a mut Agreed,
    pub(super) numbers: &'a mut Continuity,
    pub(super) history: &'a mut History,
    pub(super) slab: &'a mut Slab,
    pub(super) scratch: &'a mut Vec<u8>,
}

/// What the packets of a frame have in common.
#[derive(Clone, Copy)]
struct Common<'a> {
    frame: &'a MediaFrame,
    timestamp: Timestamp,
    is_key: bool,
}

impl Cut<'_> {
    /// Puts all packets of the frame into the history. After an error some may
    /// be there.
    pub(super) fn write(mut self, now: Instant, frame: &MediaFrame) -> Result<(), WriteError> {
        let clock_rate = self.agreed.parameters.clock_rate;
        let mut common = Common {
            frame,
            timestamp: self.numbers.frame(now, frame.timestamp, clock_rate),
            is_key: false,
        };
        let format = self.agreed.parameters.format;
        let most = self.config.max_payload;
        if format == Format::Plain {
            // The frame is the payload: it is shared, not copied.
            if frame.data.len() > most {
                return Err(WriteError::TooLarge);
            }
            return self.add(now, common, frame.data.clone(), true);
        }
        let packetizer = &mut self.agreed.packetizer;
        packetizer
            .push(frame.data.clone())
            .map_err(|_| WriteError::NotAFrame)?;
        let mut is_first = true;
        loop {
            self.scratch.clear();
            let mut w = Writer::new(self.scratch, most);
            let is_last = self
                .agreed
                .packetizer
                .next(&mut w)
                .ok_or(WriteError::NotAFrame)?;
            if is_first {
                common.is_key = format.is_key(self.scratch);
                is_first = false;
            }
            let payload = self.slab.copy(self.scratch);
            self.add(now, common, payload, is_last)?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn add(
        &mut self,
        now: Instant,
        common: Common<'_>,
        payload: Bytes,
        is_last: bool,
    ) -> Result<(), WriteError> {
        let parameters = &self.agreed.parameters;
        let number = self.numbers.frame_packet();
        let record = self.history.claim(now, number, payload.len())?;
        record.payload_type = parameters.payload_type;
        // RFC 3551 §4.1: of sound the start of talk is marked, of pictures the end.
        let is_plain = parameters.format == Format::Plain;
        record.marker = if is_plain {
            common.frame.marker
        } else {
            is_last
        };
        record.is_key = common.is_key;
        record.ends_frame = is_last;
        record.timestamp = common.timestamp;
        record.payload = payload;
        let level = common.frame.audio_level.map(Extension::AudioLevel);
        // 3GPP TS 26.114 §7.4.5: the last packet of a picture says how it is turned.
        let orientation = common.frame.orientation.filter(|_| is_last);
        let extensions = [level, orientation.map(Extension::VideoOrientation)];
        packet::keep(
            self.history,
            number,
            extensions.iter().flatten(),
            self.agreed,
        );
        self.history.queue(number);
        Ok(())
    }
}

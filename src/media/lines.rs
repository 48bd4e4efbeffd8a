//! What is sent on each line?

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::parameters::{CodecParameters, FeedbackSet, LineId, LineParameters, SendEncoding};
use crate::rng::Rng;
use crate::rtp::format::Format;
use crate::rtp::receiver::{Mode, ReceiveParameters};
use crate::rtp::sender::{RtpSender, SendParameters, SenderConfig, WriteError};
use crate::wire::rtp::{PayloadType, Ssrc};

/// The lines, what they send, and which of them have something to send.
#[derive(Default)]
pub(super) struct Lines {
    /// In the order of their names: mostly two, and looked up for each packet.
    lines: Vec<(LineId, Line)>,
    own: BTreeMap<Ssrc, Owner>,
    /// Encodings that have packets to send, each once, in turn.
    pending: VecDeque<(LineId, usize)>,
}

/// A line, as it was agreed on.
pub(super) struct Line {
    pub parameters: LineParameters,
    /// What its receivers have to know.
    pub receive: Arc<ReceiveParameters>,
    /// What may be told to its sources.
    pub feedback: FeedbackSet,
    pub encodings: Vec<Encoding>,
    /// Those that are not sent any more. If one returns, its numbers go on: under
    /// one key none may be used twice.
    left: Vec<Encoding>,
    /// The codec that is sent, if the application chose one.
    codec: Option<PayloadType>,
}

/// One stream of ours.
pub(super) struct Encoding {
    pub rid: Arc<str>,
    pub sender: RtpSender,
    pub ssrc: Ssrc,
    pub repair: Option<Ssrc>,
    pub active: bool,
    /// The application was told that a key frame is wanted, and did not hear it yet.
    pub asked: bool,
    /// How many packets were sent when it was last reported on, and how many
    /// reports ago that grew.
    pub reported: (u64, u8),
    queued: bool,
}

/// Whose SSRC is it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub line: LineId,
    pub index: usize,
    pub is_repair: bool,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn contains(&self, line: LineId) -> bool {
        self.get(line).is_some()
    }

    pub(super) fn get(&self, line: LineId) -> Option<&Line> {
        let place = place(&self.lines, line).ok()?;
        self.lines.get(place).map(|(_, line)| line)
    }

    pub(super) fn get_mut(&mut self, line: LineId) -> Option<&mut Line> {
        find(&mut self.lines, line)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (LineId, &Line)> {
        self.lines.iter().map(|(id, line)| (*id, line))
    }

    /// All encodings that may be sent.
    pub(super) fn encodings(&self) -> impl Iterator<Item = (LineId, usize, &Line, &Encoding)> {
        let sending = self.iter().filter(|(_, line)| line.parameters.sends);
        sending.flat_map(|(id, line)| {
            let encodings = line.encodings.iter().enumerate();
            encodings.map(move |(index, encoding)| (id, index, line, encoding))
        })
    }

    /// The encoding of a line with this name.
    pub(super) fn encoding(&mut self, line: LineId, rid: &str) -> Option<(usize, &mut Encoding)> {
        let encodings = self.get_mut(line)?.encodings.iter_mut().enumerate();
        encodings
            .into_iter()
            .find(|(_, encoding)| *encoding.rid == *rid)
    }

    /// The encoding in this place.
    pub(super) fn at(&mut self, line: LineId, index: usize) -> Option<&mut Encoding> {
        self.get_mut(line)?.encodings.get_mut(index)
    }

    /// The encoding that sends under this SSRC.
    pub(super) fn sender(&mut self, ssrc: Ssrc) -> Option<(Owner, &mut Encoding)> {
        let owner = *self.own.get(&ssrc)?;
        Some((owner, self.at(owner.line, owner.index)?))
    }

    /// Whose SSRC it is, if one of ours.
    pub(super) fn owner(&self, ssrc: Ssrc) -> Option<Owner> {
        self.own.get(&ssrc).copied()
    }

    /// A line is there, or is another than before. Streams that ended are put into
    /// `ended`.
    pub(super) fn set(
        &mut self,
        id: LineId,
        parameters: LineParameters,
        config: &SenderConfig,
        rng: &mut Rng,
        ended: &mut Vec<Ssrc>,
    ) {
        let receive = parameters.receive_parameters();
        let feedback = parameters.feedback();
        let before = self.take(id);
        let stopped = !parameters.sends;
        let (mut old, mut left, codec) = before.map_or_else(Default::default, |line| {
            (line.encodings, line.left, line.codec)
        });
        if stopped {
            ended.extend(
                old.iter()
                    .filter(|encoding| encoding.has_sent())
                    .map(|encoding| encoding.ssrc),
            );
        }
        let encodings = parameters.encodings.iter().map(|wanted| {
            let kept = take(&mut old, wanted).or_else(|| take(&mut left, wanted));
            match kept {
                Some(encoding) => encoding.set(wanted),
                None => Encoding::new(wanted, config, rng),
            }
        });
        let mut encodings: Vec<Encoding> = encodings.collect();
        if stopped {
            // What was written when it was agreed on may wait for keys still.
            let all = encodings.iter_mut().chain(&mut old).chain(&mut left);
            all.for_each(|encoding| encoding.sender.forget_waiting());
        } else {
            ended.extend(
                old.iter()
                    .filter(|encoding| encoding.has_sent())
                    .map(|encoding| encoding.ssrc),
            );
        }
        left.append(&mut old);
        let mut line = Line {
            parameters,
            receive,
            feedback,
            encodings,
            left,
            codec,
        };
        line.apply();
        let place = place(&self.lines, id).unwrap_or_else(|place| place);
        self.lines.reserve_exact(1);
        self.lines.insert(place, (id, line));
        self.index();
    }

    fn take(&mut self, id: LineId) -> Option<Line> {
        let place = place(&self.lines, id).ok()?;
        Some(self.lines.remove(place).1)
    }

    /// The line is gone; what it sent is put into `ended`.
    pub(super) fn remove(&mut self, id: LineId, ended: &mut Vec<Ssrc>) {
        if let Some(line) = self.take(id) {
            let sent = line.encodings.iter().filter(|encoding| encoding.has_sent());
            ended.extend(sent.map(|encoding| encoding.ssrc));
            self.index();
        }
    }

    /// The stream has another SSRC from now on.
    pub(super) fn rename(&mut self, owner: Owner, ssrc: Ssrc, rng: &mut Rng) {
        if let Some(encoding) = self.at(owner.line, owner.index) {
            if owner.is_repair {
                encoding.repair = Some(ssrc);
                encoding.sender.change_repair_ssrc(ssrc);
            } else {
                encoding.ssrc = ssrc;
                encoding.sender.change_ssrc(ssrc, rng);
            }
            self.index();
        }
    }

    /// Another peer hears the streams from now on, under other keys.
    pub(super) fn begin_anew(&mut self, rng: &mut Rng) {
        for (_, line) in &mut self.lines {
            // Their numbers may be used again: the old keys are gone.
            line.left.clear();
            for encoding in &mut line.encodings {
                encoding.sender.begin_anew(rng);
                let sent = encoding.sender.stats().sent.packets;
                encoding.reported = (sent, u8::MAX);
            }
        }
        self.index();
    }

    /// Lets an encoding of a line write; it may have packets to send then.
    pub(super) fn write(
        &mut self,
        line: LineId,
        rid: &str,
        write: impl FnOnce(&mut RtpSender) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let Self { lines, pending, .. } = self;
        let encodings = find(lines, line).map(|line| line.encodings.iter_mut());
        let mut encodings = encodings.into_iter().flatten().enumerate();
        let found = encodings.find(|(_, encoding)| *encoding.rid == *rid);
        let (index, encoding) = found.ok_or(WriteError::Paused)?;
        write(&mut encoding.sender)?;
        encoding.queue((line, index), pending);
        Ok(())
    }

    /// The encoding may have packets to send.
    pub(super) fn touch(&mut self, line: LineId, index: usize) {
        let Self { lines, pending, .. } = self;
        let found = find(lines, line);
        if let Some(encoding) = found.and_then(|line| line.encodings.get_mut(index)) {
            encoding.queue((line, index), pending);
        }
    }

    /// Lets the next encoding in turn send, and says whether it did.
    pub(super) fn poll(&mut self, send: impl FnOnce(&mut RtpSender) -> bool) -> bool {
        let Self { lines, pending, .. } = self;
        let Some((line, index)) = pending.pop_front() else {
            return false;
        };
        let found = find(lines, line);
        let Some(encoding) = found.and_then(|line| line.encodings.get_mut(index)) else {
            return false;
        };
        encoding.queued = false;
        let sent = send(&mut encoding.sender);
        encoding.queue((line, index), pending);
        sent
    }

    /// How many may have packets to send.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether anything is to be sent or received.
    pub(super) fn is_alive(&self) -> bool {
        let mut lines = self.iter().map(|(_, line)| &line.parameters);
        lines.any(|parameters| parameters.sends || parameters.receives)
    }

    /// The SSRCs of all our streams.
    pub(super) fn ssrcs(&self) -> impl Iterator<Item = Ssrc> {
        self.own.keys().copied()
    }

    /// Makes the tables over all lines anew.
    fn index(&mut self) {
        self.own.clear();
        self.pending.clear();
        for (line, content) in &mut self.lines {
            let line = *line;
            for (index, encoding) in content.encodings.iter_mut().enumerate() {
                encoding.queued = encoding.sender.is_pending();
                if encoding.queued {
                    self.pending.push_back((line, index));
                }
                let streams = [(Some(encoding.ssrc), false), (encoding.repair, true)];
                for (ssrc, is_repair) in streams {
                    let owner = Owner {
                        line,
                        index,
                        is_repair,
                    };
                    self.own.extend(ssrc.map(|ssrc| (ssrc, owner)));
                }
            }
        }
    }
}

impl Line {
    /// The codec that is sent: the application's choice, or the first.
    pub(super) fn codec(&self) -> Option<&CodecParameters> {
        let mut codecs = self.parameters.send.iter().filter(|codec| codec.is_media());
        let chosen = codecs
            .clone()
            .find(|codec| Some(codec.payload_type) == self.codec);
        chosen.or_else(|| codecs.next())
    }

    /// Chooses the codec that is sent; `false` if the peer does not take it.
    pub(super) fn set_codec(&mut self, payload_type: PayloadType) -> bool {
        let mut codecs = self.parameters.send.iter();
        let is_known = codecs.any(|codec| codec.payload_type == payload_type && codec.is_media());
        if is_known {
            self.codec = Some(payload_type);
            self.apply();
        }
        is_known
    }

    /// Hands to all senders what was agreed on.
    pub(super) fn apply(&mut self) {
        let parameters = self.send_parameters();
        for encoding in &mut self.encodings {
            if let Some(mut parameters) = parameters.clone() {
                parameters.rid = (*encoding.rid).into();
                encoding.sender.set_parameters(parameters);
            }
            let active = encoding.active && self.parameters.sends;
            encoding.sender.set_active(active);
        }
    }

    fn send_parameters(&self) -> Option<SendParameters> {
        let codec = self.codec()?;
        // Packets are sent on whatever is in them.
        let forwards = self.parameters.mode == Mode::Packets;
        let format = codec
            .format()
            .or_else(|| forwards.then_some(Format::Plain))?;
        let mut parameters = SendParameters::new(codec.payload_type, codec.clock_rate, format);
        parameters.repair_payload_type = codec.repeated_by(&self.parameters.send);
        parameters.extensions = self.parameters.extensions;
        parameters.mid.clone_from(&self.parameters.mid);
        parameters.two_byte = self.parameters.two_byte;
        Some(parameters)
    }
}

/// Where the line is, or where it would be.
fn place(lines: &[(LineId, Line)], id: LineId) -> Result<usize, usize> {
    lines.binary_search_by_key(&id, |(id, _)| *id)
}

fn find(lines: &mut [(LineId, Line)], id: LineId) -> Option<&mut Line> {
    let place = place(lines, id).ok()?;
    lines.get_mut(place).map(|(_, line)| line)
}

/// Takes out the encoding that is wanted, if it is there.
fn take(encodings: &mut Vec<Encoding>, wanted: &SendEncoding) -> Option<Encoding> {
    // An SSRC that changed because of a collision stays changed.
    let same = |encoding: &Encoding| *encoding.rid == *wanted.rid;
    // A stream under another name is still the same: its numbers go on.
    let renamed = |encoding: &Encoding| encoding.ssrc == wanted.ssrc;
    let place = encodings.iter().position(same);
    let place = place.or_else(|| encodings.iter().position(renamed))?;
    Some(encodings.swap_remove(place))
}

impl Encoding {
    /// Takes its place among those that have packets to send, if it has.
    fn queue(&mut self, place: (LineId, usize), pending: &mut VecDeque<(LineId, usize)>) {
        if self.sender.is_pending() && !mem::replace(&mut self.queued, true) {
            pending.push_back(place);
        }
    }

    fn new(wanted: &SendEncoding, config: &SenderConfig, rng: &mut Rng) -> Self {
        let mut config = *config;
        (config.ssrc, config.repair) = (wanted.ssrc, wanted.repair);
        Self {
            rid: Arc::from(&*wanted.rid),
            sender: RtpSender::new(config, rng),
            ssrc: wanted.ssrc,
            repair: wanted.repair,
            active: wanted.active,
            asked: false,
            reported: (0, u8::MAX),
            queued: false,
        }
    }

    fn set(mut self, wanted: &SendEncoding) -> Self {
        if *self.rid != *wanted.rid {
            self.rid = Arc::from(&*wanted.rid);
        }
        self.active = wanted.active;
        self
    }

    /// Whether it ever sent a packet.
    pub(super) fn has_sent(&self) -> bool {
        self.sender.stats().sent.packets > 0
    }

    /// Whether it has sent before the last reports.
    pub(super) fn sends_lately(&self) -> bool {
        let (packets, reports) = self.reported;
        reports < 2 || self.sender.stats().sent.packets > packets
    }

    /// Whether it has sent since the last report or the one before (RFC 3550 §6.3.8);
    /// to be asked once for each report.
    pub(super) fn is_sender(&mut self) -> bool {
        let (packets, reports) = self.reported;
        let sent = self.sender.stats().sent.packets;
        let reports = if sent > packets {
            0
        } else {
            reports.saturating_add(1)
        };
        self.reported = (sent, reports);
        reports < 2
    }
}

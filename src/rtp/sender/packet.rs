//! How does a packet leave?

use alloc::vec::Vec;

use super::continuity::wire;
use super::history::{History, Record, Stamp};
use super::{Agreed, SendParameters};
use crate::cursor::Writer;
use crate::wire::list::List;
use crate::wire::rtp::extension::{
    Block, BlockWriter, Extension, Form, Kind, Mid, RepairedStreamId, StreamId,
};
use crate::wire::rtp::{Header, PayloadType, SequenceNumber, Ssrc};

/// What is said of a record where it is sent.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub(super) ssrc: Ssrc,
    pub(super) payload_type: PayloadType,
    pub(super) number: SequenceNumber,
    /// The number that it had, if it is sent again in a stream of its own (RFC 4588 §4).
    pub(super) original: Option<SequenceNumber>,
}

impl Identity {
    /// Of a packet that is sent for the first time.
    pub(super) const fn first(ssrc: Ssrc, record: &Record, number: u64) -> Self {
        Self {
            ssrc,
            payload_type: record.payload_type,
            number: wire(number),
            original: None,
        }
    }
}

/// The numbers of the extensions that a hop adds to each packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    /// Which packet of the transport.
    pub(super) transport: Option<u8>,
    /// When it was sent.
    sent: Option<u8>,
    /// The form that all fit into that the stream itself says.
    form: Form,
    /// Whether a packet may have another form.
    is_mixed: bool,
    /// What most packets say, if it is in the one-byte form.
    only: Option<HopElements>,
}

/// The elements of a packet that says nothing but what its hop adds, made once.
#[derive(Clone, Copy, Debug)]
struct HopElements {
    /// As they are on the wire, but for the values.
    frame: u64,
    /// How many bytes of it are used: whole words.
    len: usize,
    /// How far up the values are, in bits.
    sent: Option<u32>,
    transport: Option<u32>,
}

impl HopElements {
    fn new(sent: Option<u8>, transport: Option<u8>) -> Self {
        let (mut frame, mut end) = (0, u64::BITS);
        let mut put = |id: Option<u8>, len: u8| {
            let head = id? << 4 | (len - 1);
            frame |= u64::from(head) << (end - 8);
            end -= 8 + 8 * u32::from(len);
            Some(end)
        };
        let (sent, transport) = (put(sent, 3), put(transport, 2));
        Self {
            frame,
            len: (u64::BITS - end).div_ceil(32) as usize * 4,
            sent,
            transport,
        }
    }

    /// What a packet with this stamp says.
    fn fill(&self, stamp: &Stamp) -> [u8; 8] {
        let sent = u64::from(stamp.sent.0 & 0xff_ffff);
        let sent = self.sent.map_or(0, |up| sent << up);
        let number = u64::from(stamp.transport.0);
        let transport = self.transport.map_or(0, |up| number << up);
        (self.frame | sent | transport).to_be_bytes()
    }
}

impl Hop {
    pub(super) fn new(parameters: &SendParameters) -> Self {
        let id = |kind| parameters.extensions.id(kind);
        let transport = id(Kind::TransportSequence).or_else(|| id(Kind::FeedbackRequest));
        let sent = id(Kind::AbsoluteSendTime);
        let names = [
            (id(Kind::Mid), parameters.mid.len()),
            (id(Kind::StreamId), parameters.rid.len()),
            (id(Kind::RepairedStreamId), parameters.rid.len()),
        ];
        let all = names.into_iter().filter(|(_, len)| *len > 0);
        let all = all.chain([(transport, 2), (sent, 3)]);
        let fits = |(id, len): (Option<u8>, usize)| id.is_none_or(|id| Form::OneByte.fits(id, len));
        let form = match all.into_iter().all(fits) {
            true => Form::OneByte,
            false => Form::TwoByte,
        };
        Self {
            transport,
            sent,
            form,
            is_mixed: parameters.two_byte,
            only: (form == Form::OneByte).then(|| HopElements::new(sent, transport)),
        }
    }

    /// The form for a packet with these extensions.
    fn form(&self, mut extensions: impl Iterator<Item = (u8, usize)>) -> Form {
        if self.is_mixed && extensions.any(|(id, len)| !Form::OneByte.fits(id, len)) {
            Form::TwoByte
        } else {
            self.form
        }
    }
}

/// Keeps the extensions that the source of a packet gave it.
pub(super) fn keep<'a>(
    history: &mut History,
    number: u64,
    extensions: impl Iterator<Item = &'a Extension<'a>> + Clone,
    agreed: &Agreed,
) {
    let known = extensions.filter_map(|extension| {
        let id = id_of(extension, &agreed.parameters)?;
        Some((id, extension))
    });
    if known.clone().next().is_none() {
        return;
    }
    let lens = known
        .clone()
        .map(|(id, extension)| (id, extension.encoded_len()));
    let form = agreed.hop.form(lens);
    if let Some(elements) = history.elements_mut(number, form) {
        for (id, extension) in known {
            put(elements, form, id, extension);
        }
    }
}

/// The number of an extension that is not the hop's own business.
fn id_of(extension: &Extension<'_>, parameters: &SendParameters) -> Option<u8> {
    match extension.kind() {
        Some(
            Kind::Mid
            | Kind::StreamId
            | Kind::RepairedStreamId
            | Kind::AbsoluteSendTime
            | Kind::TransportSequence
            | Kind::FeedbackRequest
            | Kind::TransmissionOffset,
        ) => None,
        Some(kind) => parameters.extensions.id(kind),
        None => match extension {
            Extension::Unknown { id, .. } => {
                Some(*id).filter(|&id| parameters.extensions.kind(id).is_none())
            }
            _ => None,
        },
    }
}

/// Frames an extension, if it fits into the form.
fn put(elements: &mut Vec<u8>, form: Form, id: u8, extension: &Extension<'_>) {
    let len = extension.encoded_len();
    let Ok(short) = u8::try_from(len) else { return };
    if !form.fits(id, len) {
        return;
    }
    match form {
        Form::OneByte => elements.push(id << 4 | (short - 1)),
        Form::TwoByte => elements.extend([id, short]),
    }
    extension.emit(&mut Writer::new(elements, len));
}

/// Writes the packet; the answer is how long its header is, or `None` if there
/// is no room for it.
pub(super) fn emit(
    w: &mut Writer<'_>,
    (record, elements): (&Record, &[u8]),
    id: Identity,
    stamp: Stamp,
    agreed: &Agreed,
) -> Option<usize> {
    let Agreed {
        parameters, hop, ..
    } = agreed;
    let at = w.len();
    let mut header = Header {
        marker: record.marker,
        payload_type: id.payload_type,
        sequence_number: id.number,
        timestamp: record.timestamp,
        ssrc: id.ssrc,
        csrcs: List::EMPTY,
        extensions: None,
    };
    let says_more = stamp.is_named || record.form.is_some();
    if let Some(only) = hop.only.as_ref().filter(|_| !says_more) {
        let filled = only.fill(&stamp);
        let used = filled.get(..only.len).filter(|used| !used.is_empty());
        header.extensions = used.map(|used| Block::framed(Form::OneByte, used));
        header.emit(w);
    } else {
        header.emit_with(w, record.form.unwrap_or(hop.form), |block| {
            if let Some(id) = hop.sent {
                block.put(id, stamp.sent.encoded_len(), |w| stamp.sent.emit(w));
            }
            if let Some(id) = hop.transport {
                block.put(id, 2, |w| w.u16(stamp.transport.0));
            }
            if stamp.is_named {
                put_names(block, id.original.is_some(), parameters);
            }
            block.append(elements);
        });
    }
    if let Some(original) = id.original {
        w.u16(original.0);
    }
    let header = w.len() - at;
    w.bytes(&record.payload);
    if w.is_overflowed() {
        w.rewind(at);
        return None;
    }
    Some(header)
}

/// RFC 9143 §15, RFC 8852 §3: which section and which encoding it is.
fn put_names(block: &mut BlockWriter<'_, '_>, is_repair: bool, parameters: &SendParameters) {
    let SendParameters { mid, rid, .. } = parameters;
    let (kind, rid) = if is_repair {
        (
            Kind::RepairedStreamId,
            Extension::RepairedStreamId(RepairedStreamId(rid)),
        )
    } else {
        (Kind::StreamId, Extension::StreamId(StreamId(rid)))
    };
    for (kind, name) in [(Kind::Mid, Extension::Mid(Mid(mid))), (kind, rid)] {
        let len = name.encoded_len();
        if let Some(id) = parameters.extensions.id(kind).filter(|_| len > 0) {
            block.put(id, len, |w| name.emit(w));
        }
    }
}

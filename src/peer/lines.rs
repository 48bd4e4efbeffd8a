//! What was agreed on media, as the media below understand it.

use alloc::sync::Arc;

use super::connection::PeerConnection;
use super::link::Link;
use crate::jsep::{Codec, Encoding, HeaderExtension, MediaPlan, TransceiverId};
use crate::media::{
    CodecParameters, FeedbackSet, LineId, LineParameters, RemoteEncoding, SendEncoding,
};
use crate::rtp::receiver::Mode;
use crate::srtp::HeaderProtection;
use crate::wire::rtp::extension::Kind as ExtensionKind;
use crate::wire::rtp::{ExtensionMap, PayloadType, Ssrc};

impl PeerConnection {
    /// Does what an exchange means for media: a line for each transceiver that has a
    /// section, and none for the others.
    pub(super) fn apply_media(&mut self, plans: &[MediaPlan]) {
        for plan in plans {
            let id = plan.transceiver;
            let Some(transceiver) = self.session.transceiver(id) else {
                continue;
            };
            if transceiver.is_stopping() {
                continue;
            }
            let parameters = parameters(plan, !transceiver.is_silent(), self.config.rtp_mode);
            let Some(link) = self.links.move_line(self.now, id, plan.transport) else {
                continue;
            };
            if link.media.set_line(self.now, line(id), parameters) {
                link.transport.start_media(match plan.cryptex {
                    true => HeaderProtection::Cryptex,
                    false => HeaderProtection::None,
                });
                if !link.lines.contains(&id) {
                    link.lines.push(id);
                }
            }
        }
        self.end_lines();
    }

    /// Transceivers that were stopped, or whose section was rejected, have no line
    /// any more (W3C webrtc-pc §5.4: at once, not with the next exchange).
    pub(super) fn end_lines(&mut self) {
        let Self {
            session,
            links,
            now,
            ..
        } = self;
        for Link { media, lines, .. } in links.iter_mut() {
            lines.retain(|id| {
                let transceiver = session.transceiver(*id);
                let lives = transceiver
                    .is_some_and(|one| !one.is_stopping() && one.current_direction().is_some());
                if !lives {
                    media.remove_line(*now, line(*id));
                }
                lives
            });
        }
    }
}

/// The line of a transceiver: they are told apart by the same number.
pub(super) const fn line(transceiver: TransceiverId) -> LineId {
    LineId(transceiver.number())
}

/// The transceiver of a line.
pub(super) const fn transceiver(line: LineId) -> TransceiverId {
    TransceiverId::with_number(line.0)
}

fn parameters(plan: &MediaPlan, active: bool, mode: Mode) -> LineParameters {
    let encodings = plan.encodings.iter();
    let cname = encodings.clone().map(|encoding| encoding.cname.clone());
    let remote = plan.remote.iter().flat_map(|remote| &remote.encodings);
    let send = codecs(&plan.send);
    // Mostly both ways are the same.
    let receive = if plan.receive == plan.send {
        Arc::clone(&send)
    } else {
        codecs(&plan.receive)
    };
    LineParameters {
        mid: plan.mid.clone(),
        audio: plan.kind == crate::jsep::Kind::Audio,
        sends: plan.direction.sends(),
        receives: plan.direction.receives(),
        cname: cname.take(1).collect(),
        encodings: encodings
            .filter_map(|encoding| sent(encoding, active))
            .collect(),
        send,
        receive,
        extensions: extensions(&plan.extensions),
        two_byte: plan.mixed_extensions,
        reduced_rtcp: plan.reduced_rtcp,
        remote: remote.map(received).collect(),
        mode,
    }
}

fn sent(encoding: &Encoding, active: bool) -> Option<SendEncoding> {
    Some(SendEncoding {
        rid: encoding.rid.clone(),
        ssrc: Ssrc(encoding.ssrc?),
        repair: encoding.repair_ssrc.map(Ssrc),
        active: active && !encoding.paused,
    })
}

fn received(encoding: &Encoding) -> RemoteEncoding {
    RemoteEncoding {
        rid: encoding.rid.clone(),
        ssrc: encoding.ssrc.map(Ssrc),
        repair: encoding.repair_ssrc.map(Ssrc),
    }
}

fn codecs(codecs: &[Codec]) -> Arc<[CodecParameters]> {
    let known = codecs.iter().filter_map(|codec| {
        Some(CodecParameters {
            payload_type: PayloadType::new(codec.payload)?,
            name: codec.name.clone(),
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            parameters: codec.parameters.clone(),
            feedback: FeedbackSet::of(codec.feedback.iter().map(|word| &**word)),
        })
    });
    known.collect()
}

/// Extensions that are not known here are neither written nor read.
fn extensions(agreed: &[HeaderExtension]) -> ExtensionMap {
    let mut map = ExtensionMap::new();
    for extension in agreed {
        let mut kinds = ExtensionKind::ALL.iter();
        if let Some(kind) = kinds.find(|kind| kind.uri() == extension.uri) {
            map.insert(extension.id, *kind);
        }
    }
    map
}

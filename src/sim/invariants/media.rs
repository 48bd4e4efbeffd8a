//! Invariants of media.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::relay::Relays;
use super::{Invariant, Unbundled, other_of};
use crate::net::Path;
use crate::sim::ledger::{Entry, Fact, Frame, Ledger, Origin, Phase, Side};
use crate::sim::world::HostId;
use crate::wire::demux::{self, Class};

/// as the application sees them: a frame that is received was sent in
/// the same section and encoding, bytes unchanged, after all that came before it.
#[derive(Clone, Debug)]
pub struct Frames {
    pair: [HostId; 2],
    flows: BTreeMap<(HostId, String, String), Flow>,
}

/// The frames of one direction of an encoding.
#[derive(Clone, Debug, Default)]
struct Flow {
    sent: Vec<Bytes>,
    /// The first that may come next.
    next: usize,
}

impl Frames {
    /// For two peers.
    #[must_use]
    pub const fn new(pair: [HostId; 2]) -> Self {
        Self {
            pair,
            flows: BTreeMap::new(),
        }
    }

    fn flow(&mut self, sender: HostId, frame: &Frame) -> &mut Flow {
        let key = (sender, frame.mid.clone(), frame.rid.clone());
        self.flows.entry(key).or_default()
    }
}

impl Invariant for Frames {
    fn name(&self) -> &'static str {
        "R-1, R-4"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        match &entry.fact {
            Fact::FrameSent(frame) => {
                self.flow(entry.host, frame).sent.push(frame.data.clone());
            }
            Fact::FrameReceived(frame) if self.pair.contains(&entry.host) => {
                let sender = other_of(self.pair, entry.host);
                let flow = self.flow(sender, frame);
                let mut later = flow.sent.iter().skip(flow.next);
                let Some(index) = later.position(|sent| *sent == frame.data) else {
                    let (mid, len) = (&frame.mid, frame.data.len());
                    let known = flow.sent.contains(&frame.data);
                    let why = if known {
                        "come twice or too late"
                    } else {
                        "were not sent"
                    };
                    return Err(format!("{len} bytes on {mid} that {why}"));
                };
                flow.next += index + 1;
            }
            _ => {}
        }
        Ok(())
    }
}

/// P-8 and D-3: RTP and RTCP leave only once DTLS has given keys, and RTP only
/// where both descriptions say that this side sends.
#[derive(Clone, Debug, Default)]
pub struct MediaAgreed {
    keyed: BTreeSet<HostId>,
    /// Where hosts with several transports have sealed something.
    sealed: BTreeSet<(HostId, Path)>,
    unbundled: Unbundled,
    descriptions: BTreeMap<(HostId, bool), String>,
    /// Which of them the host was given since it was last stable.
    fresh: BTreeSet<(HostId, bool)>,
    /// Who might send when both descriptions were last agreed on.
    agreed: BTreeSet<HostId>,
    relays: Relays,
}

impl MediaAgreed {
    fn on_sent(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        let Fact::Sent(id) = entry.fact else {
            return Ok(());
        };
        let host = entry.host;
        let datagram = ledger.datagram(id);
        let view = self.relays.sent(host, datagram);
        let class = demux::classify(view.bytes);
        if class == Class::Dtls {
            self.sealed.insert((host, view.path));
        }
        if !matches!(class, Class::Rtp | Class::Rtcp) || datagram.origin != Origin::Genuine {
            return Ok(());
        }
        // Of several transports one may have its keys before the others.
        let is_keyed = || self.sealed.contains(&(host, view.path));
        if !(self.keyed.contains(&host) || self.unbundled.contains(host) && is_keyed()) {
            return Err("media before there are keys".into());
        }
        if class == Class::Rtp && !self.agreed.contains(&host) && !self.sends(host) {
            return Err("media that nobody agreed on".into());
        }
        Ok(())
    }

    /// Whether the descriptions have a section in which this side sends.
    fn sends(&self, host: HostId) -> bool {
        let text = |local| self.descriptions.get(&(host, local));
        let (Some(local), Some(remote)) = (text(true), text(false)) else {
            return false;
        };
        let pairs = directions(local).into_iter().zip(directions(remote));
        let mut sending = pairs.map(|(ours, theirs)| ours.sends && theirs.receives);
        sending.any(|sends| sends)
    }
}

impl Invariant for MediaAgreed {
    fn name(&self) -> &'static str {
        "P-8, D-3"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        let host = entry.host;
        self.unbundled.read(entry);
        match &entry.fact {
            Fact::Described { side, sdp } => {
                let local = *side == Side::Local;
                if sdp.is_empty() {
                    // A rollback: what was agreed on counts.
                    self.fresh.retain(|(other, _)| *other != host);
                } else {
                    self.descriptions.insert((host, local), sdp.clone());
                    self.fresh.insert((host, local));
                }
            }
            Fact::State(state) => {
                if state.dtls == Phase::Connected {
                    self.keyed.insert(host);
                }
                let is_new = [true, false].map(|local| self.fresh.contains(&(host, local)));
                if state.stable && is_new == [true; 2] {
                    self.fresh.retain(|(other, _)| *other != host);
                    if self.sends(host) {
                        self.agreed.insert(host);
                    } else {
                        self.agreed.remove(&host);
                    }
                }
            }
            _ => return self.on_sent(ledger, entry),
        }
        Ok(())
    }
}

/// What the side that makes a description wants to do in a section.
#[derive(Clone, Copy, Debug)]
struct Direction {
    sends: bool,
    receives: bool,
}

/// One for each section; a rejected one does nothing (RFC 3264 §6).
fn directions(sdp: &str) -> Vec<Direction> {
    let of = |sends, receives| Direction { sends, receives };
    let mut sections: Vec<Direction> = Vec::new();
    let mut is_rejected = false;
    for line in sdp.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            // RFC 9143 §6: bundle-only sections have port zero, too.
            is_rejected = media.split(' ').nth(1) == Some("0") && !sdp.contains("a=bundle-only");
            // RFC 8866 §6.7: a section that says nothing does both.
            let is_media = !is_rejected && !media.starts_with("application");
            sections.push(of(is_media, is_media));
        }
        let said = match line {
            "a=sendonly" => of(true, false),
            "a=recvonly" => of(false, true),
            "a=inactive" => of(false, false),
            _ => continue,
        };
        if let (Some(last), false) = (sections.last_mut(), is_rejected) {
            *last = said;
        }
    }
    sections
}

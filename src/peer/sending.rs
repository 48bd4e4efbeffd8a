//! What goes out next: the layers in their order.

use alloc::vec::Vec;

use super::connection::{Life, PeerConnection};
use super::event::{CloseReason, Event};
use super::link::Link;
use crate::channel::DataChannels;
use crate::cursor::Writer;
use crate::dtls::DtlsState;
use crate::net::{Ecn, Path, Transmit};
use crate::time::Instant;
use crate::{dtls, ice, transport};

impl PeerConnection {
    /// What a link has to send.
    pub(super) fn poll_live(
        &mut self,
        now: Instant,
        max_datagrams: usize,
        buf: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let Self {
            links,
            channels,
            config,
            ..
        } = self;
        let limits = (config.mtu, max_datagrams);
        links.first.poll_live(now, limits, channels, buf)
    }

    /// What the links have to say at the end, then nothing.
    pub(super) fn poll_farewell(
        &mut self,
        now: Instant,
        reason: CloseReason,
        buf: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let Self {
            links,
            channels,
            config,
            events,
            ..
        } = self;
        let mut out = Writer::new(buf, config.mtu);
        let path = links
            .iter_mut()
            .find_map(|link| link.poll_farewell(now, channels, &mut out));
        let len = out.len();
        while let Some((_, event)) = links.poll_event() {
            if let transport::Event::Ice(ice::Event::Release(path)) = event {
                events.push(Event::Release(path));
            }
        }
        let Some(path) = path else {
            // What was lent by servers is asked back until they answer, for two seconds.
            if links.poll_servers().is_none() {
                self.life = Life::Ending(reason);
            }
            return None;
        };
        Some(single(path, len))
    }
}

impl Link {
    /// First what keeps the path and the keys, then reports, then sound and pictures,
    /// which cannot wait, then data. `limits` are the MTU and how many datagrams may
    /// go together.
    fn poll_live(
        &mut self,
        now: Instant,
        (mtu, max_datagrams): (usize, usize),
        channels: &mut DataChannels,
        buf: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let Self {
            transport, media, ..
        } = self;
        let start = buf.len();
        let mut out = Writer::new(buf, mtu);
        let mut first = transport.poll_transmit(now, &mut out);
        // Each way down through the layers costs a tenth of a packet: none is gone in vain.
        if first.is_none() && media.is_rtcp_pending(now) {
            first = transport.seal_rtcp(&mut out, |w| media.poll_rtcp(now, w));
        }
        if first.is_none() && media.is_rtp_pending() {
            first = transport.seal_rtp(&mut out, |w| media.poll_rtp(now, w));
        }
        if let Some(path) = first {
            return Some(single(path, out.len()));
        }
        // Without channels there is no association.
        if !self.carries_data || channels.association().is_quiet() {
            return None;
        }
        let path = transport.seal(&mut out, |w| channels.poll_transmit(now, w))?;
        let size = out.len();
        // Only full datagrams are worth sending together: a short one would make its followers short.
        let mut last = if size + BATCH_SLACK >= mtu { size } else { 0 };
        let mut count = 1;
        while last == size && count < max_datagrams {
            let mut out = Writer::new(buf, size);
            if transport
                .seal(&mut out, |w| channels.poll_transmit(now, w))
                .is_none()
            {
                break;
            }
            last = out.len();
            count += 1;
        }
        // To a stream it is all one.
        let segment_size = (count > 1 && !path.protocol.is_stream()).then_some(size);
        Some(Transmit {
            path,
            len: buf.len() - start,
            segment_size,
            ecn: Ecn::NotEct,
        })
    }

    /// First RTCP's BYE and SCTP's ABORT, then DTLS's close_notify, then what frees relays.
    fn poll_farewell(
        &mut self,
        now: Instant,
        channels: &mut DataChannels,
        out: &mut Writer<'_>,
    ) -> Option<Path> {
        let Self {
            transport, media, ..
        } = self;
        let mut path = match transport.dtls_state() {
            // Who has ended DTLS listens to nothing more.
            DtlsState::Closed | DtlsState::Failed => None,
            _ => transport.seal_rtcp(out, |w| media.poll_rtcp(now, w)),
        };
        if path.is_none() && self.carries_data {
            path = transport.seal(out, |w| channels.poll_transmit(now, w));
        }
        if path.is_none() {
            transport.close_dtls(dtls::CloseReason::Requested);
            path = transport.poll_farewell(now, out);
        }
        if path.is_none() {
            transport.ice_mut().close();
            path = transport.ice_mut().poll_transmit(now, out);
        }
        path
    }
}

const fn single(path: Path, len: usize) -> Transmit {
    Transmit {
        path,
        len,
        segment_size: None,
        ecn: Ecn::NotEct,
    }
}

/// How far from the MTU a full datagram may be: SCTP pads to four bytes.
const BATCH_SLACK: usize = 16;

//! What goes out next: the layers in their order.

use alloc::vec::Vec;

use super::connection::{Life, PeerConnection};
use super::event::{CloseReason, Event};
use crate::cursor::Writer;
use crate::net::{Ecn, Path, Transmit};
use crate::time::Instant;
use crate::{dtls, ice, transport};

impl PeerConnection {
    /// First what keeps the path and the keys, then reports, then sound and pictures,
    /// which cannot wait, then data.
    pub(super) fn poll_live(
        &mut self,
        now: Instant,
        max_datagrams: usize,
        buf: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let Self {
            transport,
            channels,
            media,
            config,
            ..
        } = self;
        let start = buf.len();
        let mut out = Writer::new(buf, config.mtu);
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
        if channels.association().is_quiet() {
            return None;
        }
        let path = transport.seal(&mut out, |w| channels.poll_transmit(now, w))?;
        let size = out.len();
        // Only full datagrams are worth sending together: a short one would make its followers short.
        let mut last = if size + BATCH_SLACK >= config.mtu {
            size
        } else {
            0
        };
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

    /// First RTCP's BYE and SCTP's ABORT, then DTLS's close_notify, then what frees relays, then nothing.
    pub(super) fn poll_farewell(
        &mut self,
        now: Instant,
        reason: CloseReason,
        buf: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let Self {
            transport,
            channels,
            media,
            config,
            ..
        } = self;
        let mut out = Writer::new(buf, config.mtu);
        let mut path = match reason {
            // Who has ended DTLS listens to nothing more.
            CloseReason::Dtls(_) => None,
            _ => transport.seal_rtcp(&mut out, |w| media.poll_rtcp(now, w)),
        };
        if path.is_none() {
            path = transport.seal(&mut out, |w| channels.poll_transmit(now, w));
        }
        if path.is_none() {
            transport.close_dtls(dtls::CloseReason::Requested);
            path = transport.poll_farewell(now, &mut out);
        }
        if path.is_none() {
            transport.ice_mut().close();
            path = transport.ice_mut().poll_transmit(now, &mut out);
        }
        let len = out.len();
        while let Some(event) = transport.poll_event() {
            if let transport::Event::Ice(ice::Event::Release(path)) = event {
                self.events.push(Event::Release(path));
            }
        }
        let Some(path) = path else {
            // What was lent by servers is asked back until they answer, for two seconds.
            if self.transport.poll_servers().is_none() {
                self.life = Life::Ending(reason);
            }
            return None;
        };
        Some(single(path, len))
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

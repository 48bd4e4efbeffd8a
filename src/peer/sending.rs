//! What goes out next: the layers in their order.

use alloc::vec::Vec;

use super::connection::PeerConnection;
use super::link::Link;
use crate::channel::DataChannels;
use crate::cursor::Writer;
use crate::dtls::{self, DtlsState};
use crate::net::{Ecn, Path, Transmit};
use crate::time::Instant;

impl PeerConnection {
    /// What one of the links has to send.
    pub(super) fn poll_links(
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
        links.poll(|link| match link.is_leaving {
            false => link.poll_live(now, limits, channels, buf),
            true => link.poll_end(now, config.mtu, channels, buf),
        })
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
        if let Some(path) = transport.poll_transmit(now, &mut out) {
            return Some(single(path, out.len()));
        }
        // Each way down through the layers costs a tenth of a packet: none is gone in vain.
        if media.is_rtcp_pending(now)
            && let Some(path) = transport.seal_rtcp(&mut out, |w| media.poll_rtcp(now, w))
        {
            return Some(single(path, out.len()));
        }
        if media.is_rtp_pending()
            && let Some(path) = transport.seal_rtp(&mut out, |w| media.poll_rtp(now, w))
        {
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

    /// First RTCP's BYE and SCTP's ABORT, then DTLS's close_notify, then what frees
    /// relays, then nothing.
    fn poll_end(
        &mut self,
        now: Instant,
        mtu: usize,
        channels: &mut DataChannels,
        buf: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let mut out = Writer::new(buf, mtu);
        let Self {
            transport, media, ..
        } = self;
        let mut path = match transport.dtls_state() {
            // Who has ended DTLS listens to nothing more.
            DtlsState::Closed | DtlsState::Failed => None,
            _ => transport.seal_rtcp(&mut out, |w| media.poll_rtcp(now, w)),
        };
        if path.is_none() && self.carries_data {
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
        self.is_gone = path.is_none() && transport.poll_servers().is_none();
        path.map(|path| single(path, out.len()))
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

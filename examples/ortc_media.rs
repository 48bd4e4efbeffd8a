//! Sound and pictures without SDP and without `PeerConnection`: every layer is stacked by hand, as
//! ORTC has it, between two ends on a wire in memory that loses one packet of media in twenty.
//!
//! ```text
//! what W3C ORTC calls it        here                   what it does
//! RTCRtpSender, RTCRtpReceiver  media::Media           frames, packets, reports, repair (RFC 3550, 4585, 4588)
//!                               srtp::SrtpContext      encrypts them (RFC 3711, 7714)
//! RTCDtlsTransport              dtls::DtlsTransport    gives the keys, and knows who the peer is (RFC 5764)
//! RTCIceTransport, -Gatherer    ice::IceAgent          finds a path (RFC 8445)
//! ```
//!
//! `transport::Transport` is the three below in one; here they are apart, to show what passes
//! between them. A [`Media`] has an `RtpSender` for each stream that goes and an `RtpReceiver` for
//! each that comes, and does for them what they share: RTCP, and which packet is whose.
//!
//! There are no sockets and no clock: the wire takes 20 ms, and time goes from one deadline to the
//! next, so that ten seconds of a call are over at once and the same whenever it runs. Alice sends
//! fifty packets of sound and thirty pictures a second; bob has to see and hear all of them.
//!
//!     cargo run --example ortc_media

#![expect(
    clippy::std_instead_of_alloc,
    reason = "here is the application, and it has std"
)]

use core::mem;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use pollrtc::crypto::HashId;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions, Fingerprint};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::dtls::{self, DtlsConfig, DtlsTransport};
use pollrtc::ice::{self, IceAgent, IceConfig};
use pollrtc::media::{
    self, CodecParameters, FeedbackSet, LineId, LineParameters, Media, MediaConfig, SendEncoding,
};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::rtp::receiver::Mode;
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::srtp::{self, Master, SrtpContext};
use pollrtc::time::Instant;
use pollrtc::wire::demux::{self, Class};
use pollrtc::wire::dtls::extension::SrtpProfile;
use pollrtc::wire::rtp::{ExtensionMap, PayloadType, Ssrc};

/// The lines of the session: what would be sections of a description.
const SOUND: LineId = LineId(0);
const PICTURES: LineId = LineId(1);

/// How long the call is.
const LENGTH: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let rng = &mut Rng::from_number(1); // on a network: Rng::from_os()
    let mut alice = End::new(
        "10.0.0.1:5000",
        ice::Role::Controlling,
        dtls::Role::Client,
        rng,
    )?;
    let mut bob = End::new(
        "10.0.0.2:5000",
        ice::Role::Controlled,
        dtls::Role::Server,
        rng,
    )?;

    // The signalling: each is told what it has to know of the other.
    alice.meet(&bob)?;
    bob.meet(&alice)?;
    // What both have agreed on: alice sends, and bob receives.
    for line in [SOUND, PICTURES] {
        alice
            .media
            .set_line(Instant::ZERO, line, parameters(line, true));
        bob.media
            .set_line(Instant::ZERO, line, parameters(line, false));
    }

    let mut call = Call::default();
    while call.now < Instant::ZERO + LENGTH + Duration::from_secs(1) {
        call.carry(&mut alice, &mut bob);
        call.speak(&mut alice)?;
        call.listen(&mut bob)?;
        if call.carry(&mut alice, &mut bob) {
            continue;
        }
        // Nothing to do now: on to whatever is next.
        let deadlines = [alice.poll_timeout(), bob.poll_timeout(), call.next()];
        let next = deadlines.into_iter().flatten().min();
        call.now = next.context("nobody wants anything")?.max(call.now);
        alice.handle_timeout(call.now);
        bob.handle_timeout(call.now);
    }
    call.tell(&alice, &bob)
}

/// One end of the call.
struct End {
    address: SocketAddr,
    ice: IceAgent,
    dtls: DtlsTransport,
    /// Once there are keys.
    srtp: Option<SrtpContext>,
    media: Media,
    fingerprint: Fingerprint,
    /// Who the other end has to be.
    expected: Option<Fingerprint>,
}

impl End {
    /// Makes the layers, from below. None of them knows another.
    fn new(
        address: &str,
        ice_role: ice::Role,
        dtls_role: dtls::Role,
        rng: &mut Rng,
    ) -> anyhow::Result<Self> {
        let address = address.parse()?;
        let mut ice = IceAgent::new(IceConfig::new(&PROVIDER), ice_role, rng)?;
        ice.add_local_address(address)?;
        ice.gather();

        let options = CertificateOptions {
            common_name: "ortc".into(),
            not_before: 0,
            not_after: 1 << 32,
        };
        let certificate = Arc::new(Certificate::generate(&PROVIDER, rng, &options)?);
        let fingerprint = certificate.fingerprint(&PROVIDER, HashId::Sha256);
        let config = DtlsConfig {
            // Without any there would be no keys for media.
            srtp_profiles: vec![SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80],
            ..DtlsConfig::new(&PROVIDER, certificate)
        };
        // What was lost of the sound is sent again as it was: it has no second stream.
        let mut media = MediaConfig::default();
        media.sender.repeats = true;
        Ok(Self {
            address,
            ice,
            dtls: DtlsTransport::new(config, dtls_role, rng),
            srtp: None,
            media: Media::new(media, rng),
            fingerprint: fingerprint.context("no SHA-256")?,
            expected: None,
        })
    }

    /// Is told where the other end is, and who.
    fn meet(&mut self, other: &Self) -> anyhow::Result<()> {
        self.ice
            .set_remote_credentials(other.ice.local_credentials().clone())?;
        for candidate in other.ice.local_candidates() {
            self.ice.add_remote_candidate(candidate.clone())?;
        }
        self.ice.end_of_remote_candidates();
        self.expected = Some(other.fingerprint.clone());
        Ok(())
    }

    /// The way down: the next datagram, if there is one.
    ///
    /// Each layer writes around what the one above it writes, at its final place: `seal` of ICE
    /// names the path, `seal_rtp` encrypts, and `poll_rtp` writes header and payload.
    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let Self {
            ice,
            dtls,
            srtp,
            media,
            ..
        } = self;
        if let Some(path) = ice.poll_transmit(now, out) {
            return Some(path);
        }
        if dtls.is_pending() {
            return ice.seal(out, |out| dtls.poll_transmit(now, out));
        }
        let srtp = srtp.as_mut()?;
        // Reports first: they are few, and say what is to be sent again.
        let reports = ice.seal(out, |out| {
            srtp.seal_rtcp(out, |out| media.poll_rtcp(now, out))
        });
        reports.or_else(|| {
            ice.seal(out, |out| {
                srtp.seal_rtp(out, |out| media.poll_rtp(now, out))
            })
        })
    }

    /// The way up: ICE takes what is its own and lets the rest pass if the path is proved; the
    /// first byte says whose it is then (RFC 7983).
    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        let Self {
            ice,
            dtls,
            srtp,
            media,
            ..
        } = self;
        let Some(mut payload) = ice.open(now, path, datagram) else {
            return;
        };
        match (demux::classify(payload), srtp) {
            (Class::Dtls, _) => {
                // Nobody sends data over these keys.
                while dtls.open(now, &mut payload).is_some() {}
                self.on_dtls();
            }
            (Class::Rtp, Some(srtp)) => {
                if let Some(packet) = srtp.open_rtp(payload) {
                    media.handle_rtp(now, packet);
                }
            }
            (Class::Rtcp, Some(srtp)) => {
                if let Some(packets) = srtp.open_rtcp(payload) {
                    media.handle_rtcp(now, packets);
                }
            }
            // Media before their keys, or something that is not known.
            _ => {}
        }
    }

    /// DTLS asks whether the certificate is the right one, and then gives keys.
    fn on_dtls(&mut self) {
        while let Some(event) = self.dtls.poll_event() {
            match event {
                dtls::Event::PeerCertificate(der) => {
                    let expected = self.expected.as_ref();
                    if expected.is_some_and(|one| one.matches(&PROVIDER, &der)) {
                        self.dtls.accept_peer();
                    } else {
                        self.dtls.close(dtls::CloseReason::BadFingerprint);
                    }
                }
                dtls::Event::Connected { srtp: Some(keys) } => {
                    let mut config = srtp::Config::new(keys.profile);
                    // The same packet may go twice, see above.
                    config.repeats = true;
                    let local = Master::new(keys.local.key(), keys.local.salt());
                    let remote = Master::new(keys.remote.key(), keys.remote.salt());
                    self.srtp = SrtpContext::new(&PROVIDER, config, local, remote).ok();
                }
                _ => {}
            }
        }
    }

    /// The earliest of all deadlines.
    fn poll_timeout(&self) -> Option<Instant> {
        let media = self.media.poll_timeout().filter(|_| self.srtp.is_some());
        let deadlines = [self.ice.poll_timeout(), self.dtls.poll_timeout(), media];
        deadlines.into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        self.dtls.handle_timeout(now);
        self.on_dtls();
        self.media.handle_timeout(now);
    }
}

/// What both ends have agreed on for a line: what the section of a description would say, and
/// ORTC's `RTCRtpParameters` do.
fn parameters(line: LineId, sends: bool) -> LineParameters {
    let codec = |number, name: &str, clock_rate, channels, fmtp: &str| CodecParameters {
        payload_type: PayloadType::from_low_bits(number),
        name: name.into(),
        clock_rate,
        channels,
        parameters: fmtp.into(),
        feedback: FeedbackSet::of(["nack", "nack pli"]),
    };
    let (codecs, ssrc, repair) = match line {
        SOUND => (vec![codec(111, "opus", 48_000, 2, "")], Ssrc(1), None),
        _ => (
            vec![
                codec(96, "VP8", 90_000, 1, ""),
                // What was lost comes again in a stream of its own (RFC 4588).
                codec(97, "rtx", 90_000, 1, "apt=96"),
            ],
            Ssrc(2),
            Some(Ssrc(3)),
        ),
    };
    let encoding = SendEncoding {
        rid: String::new(),
        ssrc,
        repair,
        active: true,
    };
    LineParameters {
        mid: line.0.to_string(),
        audio: line == SOUND,
        sends,
        receives: !sends,
        encodings: if sends { vec![encoding] } else { Vec::new() },
        send: codecs.clone().into(),
        receive: codecs.into(),
        extensions: ExtensionMap::new(),
        two_byte: false,
        reduced_rtcp: true,
        cname: "alice".into(),
        remote: Vec::new(),
        mode: Mode::Frames,
    }
}

/// What happens between the two, and what came of it.
#[derive(Default)]
struct Call {
    now: Instant,
    /// When it arrives, by which path, and what: all take the same time, so the first is the next.
    wire: VecDeque<(Instant, Path, Vec<u8>)>,
    /// Packets of media that the wire was given.
    packets: usize,
    lost: usize,
    /// How many frames alice has made of each line, once she could be heard.
    spoken: [u32; 2],
    heard: [u32; 2],
    began: Option<Instant>,
}

impl Call {
    /// Carries all that is ready to be sent, and hands over what arrives now. Whether there was
    /// anything.
    fn carry(&mut self, alice: &mut End, bob: &mut End) -> bool {
        let mut is_news = false;
        for end in [&mut *alice, &mut *bob] {
            let mut datagram = Vec::new();
            while let Some(path) =
                end.poll_transmit(self.now, &mut Writer::new(&mut datagram, 1200))
            {
                is_news = true;
                let is_media = demux::classify(&datagram) == Class::Rtp;
                self.packets += usize::from(is_media);
                if is_media && self.packets.is_multiple_of(20) {
                    self.lost += 1;
                    datagram.clear();
                    continue;
                }
                let arrival = self.now + DELAY;
                self.wire
                    .push_back((arrival, path, mem::take(&mut datagram)));
            }
        }
        while self
            .wire
            .front()
            .is_some_and(|(arrival, ..)| *arrival <= self.now)
        {
            let Some((_, path, mut datagram)) = self.wire.pop_front() else {
                break;
            };
            is_news = true;
            // What left there arrives here.
            let path = Path::udp(path.remote, path.local);
            for end in [&mut *alice, &mut *bob] {
                if end.address == path.local {
                    end.handle_input(self.now, path, &mut datagram);
                }
            }
        }
        is_news
    }

    /// Alice has a frame of sound every 20 ms, and a picture every 33 ms.
    fn speak(&mut self, alice: &mut End) -> anyhow::Result<()> {
        if alice.srtp.is_none() {
            return Ok(());
        }
        let began = *self.began.get_or_insert(self.now);
        for (line, period) in PERIODS {
            let spoken = &mut self.spoken[line.0 as usize];
            while began + period * *spoken <= self.now && period * *spoken < LENGTH {
                let frame = frame(line, *spoken);
                alice.media.write(self.now, line, "", &frame)?;
                *spoken += 1;
            }
        }
        Ok(())
    }

    /// Bob is given whole frames, in order.
    fn listen(&mut self, bob: &mut End) -> anyhow::Result<()> {
        while let Some(event) = bob.media.poll_event() {
            match event {
                media::Event::Source { line, source } => {
                    println!("{}: {line} comes from source {}", self.now, source.ssrc);
                }
                media::Event::Frame { line, frame, .. } => {
                    let heard = &mut self.heard[line.0 as usize];
                    let expected = self::frame(line, *heard);
                    if frame.data != expected.data {
                        bail!("frame {heard} of {line} is not what was sent");
                    }
                    *heard += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// When something arrives, or alice has a frame.
    fn next(&self) -> Option<Instant> {
        let arrival = self.wire.front().map(|(arrival, ..)| *arrival);
        let frames = self.began.into_iter().flat_map(|began| {
            let next = PERIODS.map(|(line, period)| period * self.spoken[line.0 as usize]);
            next.into_iter()
                .filter(|next| *next < LENGTH)
                .map(move |next| began + next)
        });
        let end = Instant::ZERO + LENGTH + Duration::from_secs(1);
        frames.chain(arrival).chain([end]).min()
    }

    /// What a person wants to know, in the end.
    fn tell(&self, alice: &End, bob: &End) -> anyhow::Result<()> {
        let path = bob.ice.current_path().context("there is no path")?;
        let agreed = bob.dtls.negotiated().context("there are no keys")?;
        println!("path        {path}");
        println!(
            "keys        DTLS {}, {}",
            agreed.version, agreed.cipher_suite
        );
        println!(
            "media       {}",
            agreed.srtp_profile.context("there are no keys of media")?
        );
        println!(
            "wire        {} packets of media, {} lost",
            self.packets, self.lost
        );
        for stream in bob.media.inbound_streams() {
            let stats = stream.stats;
            let (packets, asked) = (stats.packets, stats.feedback.nacks);
            println!(
                "{}      {} packets, {} sent again, asked {asked} times, {} frames",
                stream.line, packets.received, packets.repeated, stats.frames.received,
            );
        }
        for stream in alice.media.outbound_streams() {
            let remote = stream.stats.remote.context("bob has not reported")?;
            let round_trip = remote.round_trip.context("no round trip was measured")?;
            println!(
                "{}      bob reports a round trip of {round_trip:?}",
                stream.line
            );
        }
        let [sound, pictures] = self.heard;
        println!("heard       {sound} of {} frames of sound", self.spoken[0]);
        println!("seen        {pictures} of {} pictures", self.spoken[1]);
        ensure!(self.spoken == [500, 304], "alice had more to say");
        ensure!(self.heard == self.spoken, "not everything came");
        Ok(())
    }
}

/// What stands for a microphone and a camera, and their encoders.
fn frame(line: LineId, number: u32) -> MediaFrame {
    if line == SOUND {
        return MediaFrame::new(number * 960, Bytes::from(number.to_be_bytes().repeat(20)));
    }
    // The header of VP8 says whether it is a key frame, and how large the picture is.
    let mut data = number.to_be_bytes().repeat(1000);
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    data[0] |= u8::from(!number.is_multiple_of(100));
    MediaFrame::new(number * 2970, data.into())
}

/// How often each line has a frame.
const PERIODS: [(LineId, Duration); 2] = [
    (SOUND, Duration::from_millis(20)),
    (PICTURES, Duration::from_millis(33)),
];

/// How long a datagram is under way.
const DELAY: Duration = Duration::from_millis(20);

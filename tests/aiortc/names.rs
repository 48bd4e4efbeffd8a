//! Each name that aiortc exports, and what stands for it here.

use core::any::type_name;

use pollrtc::crypto::certificate::{Certificate, Fingerprint};
use pollrtc::media::{LineParameters, Media};
use pollrtc::peer::{self, Codec, Description, DescriptionError, HeaderExtension, SendError};
use pollrtc::rtp::receiver::{ReceiveCodec, ReceiveParameters, RtpReceiver, Source};
use pollrtc::rtp::sender::{MediaFrame, RtpSender};
use pollrtc::{DtlsTransport, IceAgent, PeerConnection, channel, dtls, ice, net};

/// What is exported, and what of it is public in its module.
const NAMES: &str = "AudioStreamTrack InvalidAccessError InvalidStateError MediaStreamError \
    MediaStreamTrack RTCBundlePolicy RTCCertificate RTCConfiguration RTCDataChannel \
    RTCDataChannelParameters RTCDtlsFingerprint RTCDtlsParameters RTCDtlsTransport \
    RTCIceCandidate RTCIceGatherer RTCIceParameters RTCIceServer RTCIceTransport \
    RTCInboundRtpStreamStats RTCOutboundRtpStreamStats RTCPeerConnection \
    RTCRemoteInboundRtpStreamStats RTCRemoteOutboundRtpStreamStats RTCRtcpParameters \
    RTCRtpCapabilities RTCRtpCodecCapability RTCRtpCodecParameters RTCRtpContributingSource \
    RTCRtpHeaderExtensionCapability RTCRtpHeaderExtensionParameters RTCRtpParameters \
    RTCRtpReceiver RTCRtpSender RTCRtpSynchronizationSource RTCRtpTransceiver \
    RTCSctpCapabilities RTCSctpTransport RTCSessionDescription RTCStatsReport \
    RTCTransportStats VideoStreamTrack \
    RTCTrackEvent InternalError OperationError RTCRtcpFeedback RTCRtpSendParameters \
    RTCRtpReceiveParameters RTCRtpCodingParameters RTCRtpDecodingParameters \
    RTCRtpEncodingParameters RTCRtpRtxParameters";

/// The table: a type of ours for each, so that what is renamed or gone does not compile.
fn counterparts() -> Vec<(&'static str, &'static str)> {
    vec![
        // Frames come and go encoded: a source is who writes them.
        ("AudioStreamTrack", type_name::<MediaFrame>()),
        ("VideoStreamTrack", type_name::<MediaFrame>()),
        ("MediaStreamTrack", type_name::<MediaFrame>()),
        ("MediaStreamError", type_name::<peer::WriteError>()),
        ("InvalidAccessError", type_name::<DescriptionError>()),
        ("InvalidStateError", type_name::<DescriptionError>()),
        ("InternalError", type_name::<DescriptionError>()),
        ("OperationError", type_name::<DescriptionError>()),
        ("RTCBundlePolicy", type_name::<peer::BundlePolicy>()),
        ("RTCCertificate", type_name::<Certificate>()),
        ("RTCConfiguration", type_name::<peer::Configuration>()),
        ("RTCDataChannel", type_name::<peer::ChannelInfo<'_>>()),
        (
            "RTCDataChannelParameters",
            type_name::<peer::ChannelConfig>(),
        ),
        ("RTCDtlsFingerprint", type_name::<Fingerprint>()),
        ("RTCDtlsParameters", type_name::<dtls::DtlsConfig>()),
        ("RTCDtlsTransport", type_name::<DtlsTransport>()),
        ("RTCIceCandidate", type_name::<net::Candidate>()),
        ("RTCIceGatherer", type_name::<IceAgent>()),
        ("RTCIceTransport", type_name::<IceAgent>()),
        ("RTCIceParameters", type_name::<ice::Credentials>()),
        ("RTCIceServer", type_name::<ice::IceServer>()),
        (
            "RTCInboundRtpStreamStats",
            type_name::<peer::InboundRtpStats>(),
        ),
        (
            "RTCOutboundRtpStreamStats",
            type_name::<peer::OutboundRtpStats>(),
        ),
        (
            "RTCRemoteInboundRtpStreamStats",
            type_name::<peer::RemoteInboundRtpStats>(),
        ),
        (
            "RTCRemoteOutboundRtpStreamStats",
            type_name::<peer::RemoteOutboundRtpStats>(),
        ),
        ("RTCStatsReport", type_name::<peer::StatsReport>()),
        ("RTCTransportStats", type_name::<peer::TransportStats>()),
        ("RTCPeerConnection", type_name::<PeerConnection>()),
        // Who speaks RTCP is `Media`: reports are those of a participant.
        ("RTCRtcpParameters", type_name::<Media>()),
        (
            "RTCRtcpFeedback",
            type_name::<pollrtc::media::FeedbackSet>(),
        ),
        ("RTCRtpCapabilities", type_name::<peer::Capabilities>()),
        ("RTCRtpCodecCapability", type_name::<Codec>()),
        ("RTCRtpCodecParameters", type_name::<Codec>()),
        ("RTCRtpContributingSource", type_name::<Source>()),
        ("RTCRtpSynchronizationSource", type_name::<Source>()),
        ("RTCRtpHeaderExtensionCapability", type_name::<String>()),
        (
            "RTCRtpHeaderExtensionParameters",
            type_name::<HeaderExtension>(),
        ),
        ("RTCRtpParameters", type_name::<LineParameters>()),
        ("RTCRtpSendParameters", type_name::<LineParameters>()),
        ("RTCRtpReceiveParameters", type_name::<ReceiveParameters>()),
        ("RTCRtpCodingParameters", type_name::<peer::Encoding>()),
        ("RTCRtpDecodingParameters", type_name::<ReceiveCodec>()),
        (
            "RTCRtpEncodingParameters",
            type_name::<pollrtc::media::SendEncoding>(),
        ),
        (
            "RTCRtpRtxParameters",
            type_name::<pollrtc::media::SendEncoding>(),
        ),
        ("RTCRtpReceiver", type_name::<RtpReceiver>()),
        ("RTCRtpSender", type_name::<RtpSender>()),
        ("RTCRtpTransceiver", type_name::<peer::Transceiver>()),
        ("RTCSctpCapabilities", type_name::<channel::Limits>()),
        ("RTCSctpTransport", type_name::<peer::SctpTransport>()),
        ("RTCSessionDescription", type_name::<Description>()),
        ("RTCTrackEvent", type_name::<peer::Event>()),
    ]
}

#[test]
fn aiortc_1_1_every_name_has_its_counterpart() {
    let counterparts = counterparts();
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    assert_eq!(names.len(), 41 + 10);
    for name in &names {
        let found = counterparts.iter().filter(|(theirs, _)| theirs == name);
        assert_eq!(found.count(), 1, "{name}");
    }
    assert_eq!(
        names.len(),
        counterparts.len(),
        "no name stands there for nothing"
    );
}

/// What raises in aiortc is an error that can be told from others without its text.
#[test]
fn aiortc_1_2_errors_are_told_apart_by_their_kind() {
    let errors = [
        DescriptionError::InvalidState,
        DescriptionError::InvalidAccess("x"),
        DescriptionError::InvalidModification,
        DescriptionError::Operation("x"),
        DescriptionError::Type("x"),
    ];
    for (place, error) in errors.iter().enumerate() {
        assert!(errors.iter().skip(place + 1).all(|other| other != error));
        assert!(!error.to_string().is_empty());
    }
    assert_ne!(SendError::NotOpen, SendError::TooLarge);
}

//! A connection that was closed takes nothing any more.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, ConfigurationError, ConnectionState, Description, DescriptionError, Direction,
    DtmfError, Event, IceCandidate, IceConnectionState, Kind, MediaFrame, OfferOptions, OpenError,
    SdpType, SendError, SignalingState, TransceiverId, TransceiverInit, WriteError,
};

use super::support::{ALICE, BOB, Pair};

type Call = fn(&mut PeerConnection, TransceiverId) -> Result<(), DescriptionError>;

/// What can be refused with `InvalidState`.
const CALLS: [(&str, Call); 18] = [
    ("create_offer", |pc, _| pc.create_offer().map(drop)),
    ("create_offer_with", |pc, _| {
        let receive = OfferOptions {
            offer_to_receive_audio: Some(true),
            ..OfferOptions::default()
        };
        pc.create_offer_with(receive).map(drop)
    }),
    ("create_answer", |pc, _| pc.create_answer().map(drop)),
    ("set_local_description", |pc, _| {
        pc.set_local_description(None)
    }),
    ("rollback", |pc, _| {
        let rollback = Description {
            kind: SdpType::Rollback,
            sdp: String::new(),
        };
        pc.set_local_description(Some(&rollback))
    }),
    ("set_remote_description", |pc, _| {
        let offer = Description {
            kind: SdpType::Offer,
            sdp: "no description".into(),
        };
        pc.set_remote_description(&offer)
    }),
    ("add_ice_candidate", |pc, _| {
        pc.add_ice_candidate(IceCandidate::default())
    }),
    ("add_track", |pc, _| {
        pc.add_track(Kind::Video, "a b", &[]).map(drop)
    }),
    ("add_transceiver", |pc, _| {
        let init = TransceiverInit::default();
        pc.add_transceiver(Kind::Video, init).map(drop)
    }),
    ("remove_track", |pc, id| pc.remove_track(id)),
    ("stop_transceiver", |pc, id| pc.stop_transceiver(id)),
    ("set_direction", |pc, id| {
        pc.set_direction(id, Direction::SendOnly)
    }),
    ("replace_track", |pc, id| pc.replace_track(id, None)),
    ("set_streams", |pc, id| pc.set_streams(id, &["a b"])),
    ("set_codec_preferences", |pc, id| {
        pc.set_codec_preferences(id, Vec::new())
    }),
    ("set_header_extensions", |pc, id| {
        let choices = pc.header_extensions(id);
        pc.set_header_extensions(id, &choices)
    }),
    ("set_send_parameters", |pc, id| {
        match pc.send_parameters(id) {
            Some(parameters) => pc.set_send_parameters(id, parameters),
            None => Err(DescriptionError::InvalidState),
        }
    }),
    ("insert_dtmf", |pc, id| {
        let (now, short) = (pollrtc::Instant::ZERO, Duration::ZERO);
        match pc.insert_dtmf(now, id, "?", short, short) {
            Err(DtmfError::InvalidState) => Err(DescriptionError::InvalidState),
            _ => Ok(()),
        }
    }),
];

#[test]
fn wpt_023_after_the_end_every_call_is_of_an_invalid_state() {
    let mut pair = Pair::new();
    let id = pair
        .call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &["me"]))
        .unwrap();
    let channel = pair
        .call(ALICE, |pc| {
            pc.create_data_channel("x", ChannelConfig::default())
        })
        .unwrap();
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(1));
    pair.events = [Vec::new(), Vec::new()];
    pair.call(ALICE, |pc| pc.close());
    let now = pair.world.now();
    pair.call(ALICE, |pc| {
        for (name, call) in CALLS {
            assert_eq!(call(pc, id), Err(DescriptionError::InvalidState), "{name}");
        }
        let config = pc.configuration();
        let set = pc.set_configuration(config);
        assert_eq!(set, Err(ConfigurationError::InvalidState));
        let opened = pc.create_data_channel("y", ChannelConfig::default());
        assert_eq!(opened, Err(OpenError::Closed));
        assert_eq!(pc.send(now, channel, "late"), Err(SendError::NotOpen));
        let frame = MediaFrame::new(0, vec![1].into());
        assert_eq!(pc.write(now, id, &frame), Err(WriteError::Paused));
        // What has no answer does nothing.
        pc.restart_ice();
        pc.close();
        pc.close_channel(channel);
        assert!(!pc.request_key_frame(id, ""));
        assert!(!pc.can_insert_dtmf(id) && pc.is_muted(id));
        assert_eq!(pc.signaling_state(), SignalingState::Closed);
        assert_eq!(pc.ice_connection_state(), IceConnectionState::Closed);
        assert_eq!(pc.connection_state(), ConnectionState::Closed);
    });
    pair.run(Duration::from_secs(5));
    let told = &pair.events[ALICE];
    assert!(matches!(told[..], [Event::Closed(_)]), "{told:?}");
    assert_eq!(
        pair.machine(BOB).connection_state(),
        ConnectionState::Closed
    );
}

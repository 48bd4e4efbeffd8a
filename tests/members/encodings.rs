//! In which forms is a track sent, and with which limits?

use pollrtc::peer::{
    ChannelConfig, DescriptionError, Direction, EncodingParameters, Kind, Priority, TransceiverId,
    TransceiverInit,
};

use super::support::{ALICE, BOB, Pair, picture};

fn add(
    pair: &mut Pair,
    kind: Kind,
    encodings: &[EncodingParameters],
) -> Result<TransceiverId, DescriptionError> {
    let init = TransceiverInit {
        encodings: encodings.to_vec(),
        ..TransceiverInit::default()
    };
    pair.call(ALICE, |pc| pc.add_transceiver(kind, init))
}

fn scaled(by: u32) -> EncodingParameters {
    EncodingParameters {
        scale_resolution_down_by: Some(by),
        ..EncodingParameters::default()
    }
}

fn scales(pair: &Pair, id: TransceiverId) -> Vec<u32> {
    let parameters = pair.machine(ALICE).send_parameters(id).unwrap();
    let scales = parameters.encodings.iter();
    scales
        .map(|one| one.scale_resolution_down_by.unwrap())
        .collect()
}

#[test]
fn wpt_019_names_are_letters_and_digits_each_once_and_all_or_none() {
    let mut pair = Pair::new();
    let mut layers = |rids: &[&str]| {
        let encodings: Vec<_> = rids
            .iter()
            .map(|rid| EncodingParameters::named(rid))
            .collect();
        add(&mut pair, Kind::Video, &encodings)
    };
    let long = "a".repeat(17);
    for rids in [
        &["a", "a"][..],
        &["a-b", "c"],
        &["a_b", "c"],
        &["ä", "c"],
        &["a;", "c"],
        &["a b", "c"],
        &[&*long, "c"],
        &["a", ""],
        &["", "a"],
        &["", ""],
    ] {
        let refused = layers(rids).unwrap_err();
        assert!(matches!(refused, DescriptionError::Type(_)), "{rids:?}");
        assert_eq!(refused.name(), "TypeError");
    }
    assert!(layers(&["a", "B7", &"a".repeat(16)]).is_ok());
    assert!(layers(&[""]).is_ok());
}

#[test]
fn wpt_020_limits_out_of_range_are_refused_before_anything_is_added() {
    let mut pair = Pair::new();
    let standing = EncodingParameters {
        max_framerate: Some(0),
        ..EncodingParameters::default()
    };
    for bad in [scaled(999), scaled(0), standing.clone()] {
        let refused = add(&mut pair, Kind::Video, &[bad]).unwrap_err();
        assert!(matches!(refused, DescriptionError::Range(_)));
        assert_eq!(refused.name(), "RangeError");
        assert_eq!(pair.machine(ALICE).transceivers().count(), 0);
    }
    // Of sound nothing of this means anything, and it is left out.
    let mut sound = scaled(1);
    sound.max_framerate = Some(30_000);
    let id = add(&mut pair, Kind::Audio, &[sound]).unwrap();
    let parameters = pair.machine(ALICE).send_parameters(id).unwrap();
    assert_eq!(parameters.encodings, [EncodingParameters::default()]);
}

/// W3C addTransceiver, steps 8.9 and 8.11.
#[test]
fn wpt_020_layers_are_scaled_from_small_to_large() {
    let mut pair = Pair::new();
    let layers = ["a", "b", "c"].map(EncodingParameters::named);
    let id = add(&mut pair, Kind::Video, &layers).unwrap();
    assert_eq!(scales(&pair, id), [4_000, 2_000, 1_000]);
    let mut said = layers.clone();
    said[1].scale_resolution_down_by = Some(3_000);
    let id = add(&mut pair, Kind::Video, &said).unwrap();
    assert_eq!(scales(&pair, id), [1_000, 3_000, 1_000]);
    // One alone needs no name.
    let id = add(&mut pair, Kind::Video, &layers[..1]).unwrap();
    assert_eq!(scales(&pair, id), [1_000]);
    let parameters = pair.machine(ALICE).send_parameters(id).unwrap();
    assert_eq!(parameters.encodings[0].rid, "");
}

#[test]
fn wpt_120_parameters_are_taken_changed_and_given_back_once() {
    let mut pair = Pair::new();
    let layers = ["a", "b"].map(EncodingParameters::named);
    let id = add(&mut pair, Kind::Video, &layers).unwrap();
    let taken = pair.machine(ALICE).send_parameters(id).unwrap();
    let mut wanted = taken.clone();
    wanted.encodings[0].active = false;
    wanted.encodings[1].max_bitrate = Some(500_000);
    wanted.encodings[1].max_framerate = Some(29_970);
    wanted.encodings[1].priority = Priority::High;
    pair.call(ALICE, |pc| pc.set_send_parameters(id, wanted.clone()))
        .unwrap();
    let now = pair.machine(ALICE).send_parameters(id).unwrap();
    assert_eq!(now.encodings, wanted.encodings);

    // The same again is out of date, and so is what an exchange has passed over.
    let again = pair.call(ALICE, |pc| pc.set_send_parameters(id, wanted));
    assert_eq!(again, Err(DescriptionError::InvalidState));
    pair.negotiate(ALICE);
    let passed = pair.call(ALICE, |pc| pc.set_send_parameters(id, now));
    assert_eq!(passed, Err(DescriptionError::InvalidState));
}

#[test]
fn wpt_120_what_is_read_only_is_not_changed() {
    let mut pair = Pair::new();
    let layers = ["a", "b"].map(EncodingParameters::named);
    let id = add(&mut pair, Kind::Video, &layers).unwrap();
    let other = add(&mut pair, Kind::Video, &layers).unwrap();
    let taken = pair.machine(ALICE).send_parameters(id).unwrap();
    let changed = |change: &dyn Fn(&mut Vec<EncodingParameters>)| {
        let mut parameters = taken.clone();
        change(&mut parameters.encodings);
        parameters
    };
    let bad = [
        changed(&|all| _ = all.pop()),
        changed(&|all| all.push(EncodingParameters::named("c"))),
        changed(&|all| all.swap(0, 1)),
        changed(&|all| all[0].rid = "z".into()),
        changed(&|all| all.clear()),
        pair.machine(ALICE).send_parameters(other).unwrap(),
    ];
    for parameters in bad {
        let refused = pair.call(ALICE, |pc| pc.set_send_parameters(id, parameters));
        assert_eq!(refused, Err(DescriptionError::InvalidModification));
    }
    let small = changed(&|all| all[1].scale_resolution_down_by = Some(500));
    let refused = pair.call(ALICE, |pc| pc.set_send_parameters(id, small));
    assert!(matches!(refused, Err(DescriptionError::Range(_))));
    // Nothing of all this has counted.
    assert_eq!(pair.machine(ALICE).send_parameters(id), Some(taken.clone()));

    pair.call(ALICE, |pc| pc.stop_transceiver(id)).unwrap();
    let stopped = pair.call(ALICE, |pc| pc.set_send_parameters(id, taken));
    assert_eq!(stopped, Err(DescriptionError::InvalidState));
}

#[test]
fn wpt_120_what_is_not_active_is_not_sent() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.negotiate(ALICE);
    pair.run(std::time::Duration::from_secs(2));
    let theirs = pair.transceiver(BOB, Kind::Video);
    let set = |pair: &mut Pair, active: bool| {
        let mut parameters = pair.machine(ALICE).send_parameters(id).unwrap();
        parameters.encodings[0].active = active;
        pair.call(ALICE, |pc| pc.set_send_parameters(id, parameters))
            .unwrap();
    };
    set(&mut pair, false);
    assert!(pair.write(ALICE, id, &picture(0, true, 400)).is_err());
    set(&mut pair, true);
    pair.write(ALICE, id, &picture(3_000, true, 400)).unwrap();
    pair.run(std::time::Duration::from_secs(1));
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
}

/// WPT-160: what a layer is made of is kept for whoever encodes.
#[test]
fn wpt_160_scalability_modes_are_carried() {
    let mut pair = Pair::new();
    let in_layers = |mode: &str| EncodingParameters {
        scalability_mode: Some(mode.into()),
        ..EncodingParameters::default()
    };
    for mode in [
        "L1T1",
        "L1T3",
        "L3T3_KEY",
        "L2T2_KEY_SHIFT",
        "L3T3h",
        "S2T3",
        "S3T3h",
    ] {
        let id = add(&mut pair, Kind::Video, &[in_layers(mode)]).unwrap();
        let kept = pair.machine(ALICE).send_parameters(id).unwrap();
        assert_eq!(kept.encodings[0].scalability_mode.as_deref(), Some(mode));
        let mut other = kept.clone();
        other.encodings[0].scalability_mode = Some("L9T9".into());
        let refused = pair.call(ALICE, |pc| pc.set_send_parameters(id, other));
        assert!(matches!(refused, Err(DescriptionError::Operation(_))));
        assert_eq!(pair.machine(ALICE).send_parameters(id), Some(kept));
    }
    for mode in [
        "",
        "L",
        "L0T1",
        "L4T1",
        "L1T1_KEY",
        "L2T1_KEY_SHIFT",
        "S1T1",
        "S2T1_KEY",
        "L1T1h",
        "V2T1",
    ] {
        let refused = add(&mut pair, Kind::Video, &[in_layers(mode)]).unwrap_err();
        assert_eq!(refused.name(), "OperationError", "{mode}");
    }
}

/// WPT-163: the same four words rank encodings and channels.
#[test]
fn wpt_163_priorities_have_the_words_and_numbers_of_the_w3c() {
    use Priority::{High, Low, Medium, VeryLow};
    let words = [VeryLow, Low, Medium, High].map(|one| (one.as_str(), one.of_channel()));
    let expected = [
        ("very-low", 128),
        ("low", 256),
        ("medium", 512),
        ("high", 1024),
    ];
    assert_eq!(words, expected);
    assert_eq!(EncodingParameters::default().priority, Low);
}

/// RFC 8832 §5.1: the peer is told how important a channel is.
#[test]
fn wpt_163_the_priority_of_a_channel_is_signaled() {
    let mut pair = Pair::new();
    let config = ChannelConfig {
        priority: Priority::High.of_channel(),
        ..ChannelConfig::default()
    };
    let ours = pair
        .call(ALICE, |pc| pc.create_data_channel("x", config))
        .unwrap();
    pair.negotiate(ALICE);
    pair.run(std::time::Duration::from_secs(1));
    let theirs = pair.machine(BOB).channels().next().unwrap();
    for (side, id) in [(ALICE, ours), (BOB, theirs)] {
        let channel = pair.machine(side).channel(id).unwrap();
        assert_eq!(channel.config.priority, 1024);
    }
}

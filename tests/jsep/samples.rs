//! Every sample as an offer: answered, or refused for a reason.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;

use pollrtc::jsep::{DescriptionError, SdpType};

use super::support::{Peer, compare_golden};

#[test]
fn every_sample_is_answered_or_refused_for_a_reason() {
    let mut samples = BTreeMap::new();
    for entry in fs::read_dir("tests/vectors/sdp/samples").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        samples.insert(name, fs::read_to_string(&path).unwrap());
    }
    let facts = fs::read_to_string("tests/vectors/sdp/facts.json").unwrap();
    let facts: BTreeMap<String, serde_json::Value> = serde_json::from_str(&facts).unwrap();
    let mut table = String::new();
    for (name, text) in samples {
        let mut bob = Peer::new("bobby");
        let before = bob.clone();
        let outcome = match bob.set_remote(SdpType::Offer, &text) {
            Ok(_) => {
                let plan = bob
                    .set_implicit()
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                format!(
                    "answered, {}",
                    if !plan.transports.is_empty() {
                        "data"
                    } else {
                        "all rejected"
                    }
                )
            }
            Err(error) => {
                assert!(bob == before, "{name} changed something");
                // A description that has all that WebRTC needs is refused only for its grammar.
                let complete = facts[&format!("{name}.sdp")]["webrtc_complete"] == true;
                let syntax = matches!(error, DescriptionError::Syntax(_));
                let _ = write!(table, "{}", if complete && !syntax { "! " } else { "" });
                error.to_string()
            }
        };
        let _ = writeln!(table, "{name}: {outcome}");
    }
    compare_golden("samples_as_offers", &table);
}

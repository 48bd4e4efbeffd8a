//! A session description.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::wire::sdp::Description;

fuzz_target!(|text: &str| {
    let Ok(description) = Description::parse(text) else {
        return;
    };
    let written = description.to_string();
    let again = Description::parse(&written).expect("what is written can be read");
    // Reading is tolerant, of spaces for one: the second time nothing changes.
    assert_eq!(again.to_string(), written);
    assert_eq!(again.attributes.len(), description.attributes.len());
    assert_eq!(again.media.len(), description.media.len());
    for (again, first) in again.media.iter().zip(&description.media) {
        assert_eq!(again.attributes.len(), first.attributes.len());
    }
});

//! A candidate as it is signalled.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::wire::sdp::candidate;

fuzz_target!(|text: &str| {
    let Ok(first) = candidate::parse(text) else {
        return;
    };
    let written = candidate::display(&first).to_string();
    assert_eq!(candidate::parse(&written), Ok(first));
});

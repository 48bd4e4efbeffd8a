//! Every description that others wrote, as an offer to a whole connection: answered, and
//! with what, or refused, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use pollrtc::wire::sdp;

use super::scene::{compare_golden, offer, peer, quiet, seen};

#[test]
fn every_sample_is_answered_or_refused_by_a_connection() {
    let mut samples = BTreeMap::new();
    for folder in ["samples", "interop"] {
        for entry in fs::read_dir(format!("tests/vectors/sdp/{folder}")).expect("the vectors") {
            let path = entry.expect("a file").path();
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if path.extension().is_some_and(|end| end == "sdp") {
                samples.insert(name, fs::read_to_string(&path).expect("a text"));
            }
        }
    }
    assert!(samples.len() > 250, "{}", samples.len());
    let mut table = String::new();
    for (name, text) in samples {
        let outcome = match answer(&text) {
            Ok(answer) => answer,
            Err(why) => format!("refused: {why}"),
        };
        let _ = writeln!(table, "{name}: {outcome}");
    }
    compare_golden("samples_answered_by_a_connection", &table);
}

/// What was accepted; or why nothing was.
fn answer(text: &str) -> Result<String, String> {
    let mut peer = peer(1);
    let before = seen(&peer);
    if let Err(error) = peer.set_remote_description(&offer(text)) {
        assert!(seen(&peer) == before, "{error}: something has changed");
        assert_eq!(quiet(&mut peer), 0, "{error}: something was said");
        return Err(error.to_string());
    }
    peer.set_local_description(None)
        .map_err(|why| format!("no answer: {why}"))?;
    let answer = peer.local_description().expect("it was just set");
    let answer = sdp::Description::parse(&answer.sdp).expect("we wrote it");
    let sections = answer.media.iter().map(|media| {
        let kind = &media.kind;
        if media.is_rejected() {
            return format!("no {kind}");
        }
        let codec = media
            .rtpmaps()
            .next()
            .map(|map| format!(" {}", map.encoding));
        let direction = media.direction().map(|way| format!(" {way}"));
        format!(
            "{kind}{}{}",
            codec.unwrap_or_default(),
            direction.unwrap_or_default()
        )
    });
    let sections: Vec<String> = sections.collect();
    Ok(match sections.is_empty() {
        true => "nothing".to_string(),
        false => sections.join(", "),
    })
}

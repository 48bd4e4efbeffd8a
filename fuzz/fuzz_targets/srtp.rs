//! SRTP from both sides: whatever is sealed opens once, and forged packets reach
//! what is behind the cipher.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::crypto::fake;
use pollrtc::cursor::Writer;
use pollrtc::srtp::{Config, ExtensionSet, HeaderProtection, Master, SrtpContext};
use pollrtc::wire::dtls::extension::SrtpProfile;

const PROFILES: [SrtpProfile; 4] = [
    SrtpProfile::Aes128CmSha1_80,
    SrtpProfile::Aes128CmSha1_32,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
];

fuzz_target!(|input: (u8, Vec<(bool, bool, Vec<u8>)>)| {
    let (choice, steps) = input;
    let profile = PROFILES[usize::from(choice & 3)];
    let mut config = Config::new(profile);
    config.max_sources = 3;
    config.header = match choice >> 2 & 3 {
        0 => HeaderProtection::None,
        1 => HeaderProtection::Cryptex,
        _ => HeaderProtection::Extensions(ExtensionSet::EMPTY.with(1).with(5)),
    };
    let key = [0; 32];
    let master = Master::new(&key[..profile.key_len()], &key[..profile.salt_len()]);
    let new = || SrtpContext::new(&fake::PROVIDER, config, master, master).unwrap();
    let (mut a, mut b) = (new(), new());
    for (is_rtcp, is_forged, mut bytes) in steps {
        if is_forged {
            // The tags of the fake cipher.
            let tag = match profile {
                SrtpProfile::AeadAes128Gcm | SrtpProfile::AeadAes256Gcm => fake::TAG[0],
                _ => fake::MAC_BYTE,
            };
            bytes.extend([tag; 16]);
            let _ = if is_rtcp {
                b.open_rtcp(&mut bytes)
            } else {
                b.open_rtp(&mut bytes)
            };
            continue;
        }
        let mut sealed = Vec::new();
        let w = &mut Writer::new(&mut sealed, 1500);
        let fill = |w: &mut Writer<'_>| {
            w.bytes(&bytes);
            true
        };
        let done = if is_rtcp {
            a.seal_rtcp(w, fill)
        } else {
            a.seal_rtp(w, fill)
        };
        assert_eq!(done, !sealed.is_empty());
        let mut again = sealed.clone();
        let open = |b: &mut SrtpContext, packet: &mut [u8]| {
            let opened = if is_rtcp {
                b.open_rtcp(packet)
            } else {
                b.open_rtp(packet)
            };
            opened.map(|opened| opened.to_vec())
        };
        if let Some(opened) = open(&mut b, &mut sealed).filter(|_| done) {
            assert!(opened.len() >= bytes.len() && opened.len() <= bytes.len() + 4);
            assert_eq!(open(&mut b, &mut again), None, "nothing opens twice");
        }
    }
});

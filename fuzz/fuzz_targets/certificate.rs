//! A peer's certificate.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::crypto::certificate::{Certificate, Fingerprint, PeerKey};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::crypto::{HashId, KeyType};

fuzz_target!(|der: &[u8]| {
    let Ok(key) = PeerKey::from_der(der) else {
        return;
    };
    // Whatever the key is: no signature is one of it, and it has no private half.
    for verifier in PROVIDER.verifiers {
        if verifier.scheme().key_type() == key.key_type {
            assert!(verifier.verify(&key.public_key, b"", &[]).is_err());
        }
    }
    assert!(Certificate::import(&PROVIDER, der, der).is_err());
    assert!(key.key_type != KeyType::EcdsaP256 || key.public_key.len() == 65);

    let fingerprint = Fingerprint::of(&PROVIDER, HashId::Sha256, der);
    assert!(fingerprint.is_some_and(|fingerprint| fingerprint.matches(&PROVIDER, der)));
});

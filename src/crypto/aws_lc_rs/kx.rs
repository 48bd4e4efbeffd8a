//! ECDH on P-256 (RFC 8422 §5.10, SEC 1 §3.3.1) by AWS-LC.

use alloc::boxed::Box;
use alloc::vec::Vec;

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::{ActiveKeyExchange, CryptoError, KeyExchangeGroup, NamedGroup};

/// The group P-256.
pub(super) struct P256;

impl KeyExchangeGroup for P256 {
    fn group(&self) -> NamedGroup {
        NamedGroup::Secp256r1
    }

    fn start(&self, rng: &mut dyn CryptoRng) -> Box<dyn ActiveKeyExchange> {
        let secret = draw(rng);
        let public = secret
            .compute_public_key()
            .expect("a private key has a public one");
        let mut point = [0; POINT];
        point.copy_from_slice(public.as_ref());
        Box::new(Active {
            secret,
            public: point,
        })
    }
}

/// A private key from the caller's randomness: AWS-LC's own would not be the
/// same with the same seed. Bytes that are zero, or not below the order of the
/// group (FIPS 186-5 §A.2.2; one in 2³² is not), are drawn again.
fn draw(rng: &mut dyn CryptoRng) -> PrivateKey {
    let mut bytes = Zeroizing::new([0; 32]);
    loop {
        rng.fill_bytes(&mut bytes[..]);
        if let Ok(key) = PrivateKey::from_private_key(&ECDH_P256, &bytes[..]) {
            return key;
        }
    }
}

/// An ephemeral key pair.
struct Active {
    secret: PrivateKey,
    public: [u8; POINT],
}

impl ActiveKeyExchange for Active {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn finish(self: Box<Self>, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if !is_uncompressed(peer) {
            return Err(CryptoError::InvalidKey);
        }
        let peer = UnparsedPublicKey::new(&ECDH_P256, peer);
        agreement::agree(&self.secret, peer, CryptoError::InvalidKey, |shared| {
            Ok(Zeroizing::new(shared.to_vec()))
        })
    }
}

/// RFC 8422 §5.4.1: only the uncompressed form is sent. AWS-LC reads others too,
/// and checks that the point is one of the curve.
pub(super) fn is_uncompressed(point: &[u8]) -> bool {
    point.len() == POINT && point.first() == Some(&4)
}

/// The length of a public key: `04`, then both coordinates.
const POINT: usize = 65;

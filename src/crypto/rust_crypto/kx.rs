//! ECDH on P-256 (RFC 8422 §5.10, SEC 1 §3.3.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use p256::PublicKey;
use p256::ecdh::EphemeralSecret;
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
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
        let secret = EphemeralSecret::generate_from_rng(rng);
        let public = encode_point(&secret.public_key());
        Box::new(Active { secret, public })
    }
}

/// An ephemeral key pair.
struct Active {
    secret: EphemeralSecret,
    public: Point,
}

impl ActiveKeyExchange for Active {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn finish(self: Box<Self>, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let peer = parse_point(peer)?;
        let shared = self.secret.diffie_hellman(&peer);
        Ok(Zeroizing::new(shared.raw_secret_bytes().to_vec()))
    }
}

/// A public key: `04`, then both coordinates.
pub(super) type Point = [u8; 65];

/// The uncompressed encoding of a public key (SEC 1 §2.3.3).
pub(super) fn encode_point(key: &PublicKey) -> Point {
    let mut point = [0; 65];
    point.copy_from_slice(key.to_sec1_point(false).as_bytes());
    point
}

/// The public key in a peer's bytes, if it lies on the curve.
///
/// RFC 8422 §5.4.1: only the uncompressed form is sent. The group has a prime
/// order, so a point on the curve that is not infinity is enough.
pub(super) fn parse_point(bytes: &[u8]) -> Result<PublicKey, CryptoError> {
    let point: &Point = bytes.try_into().map_err(|_| CryptoError::InvalidKey)?;
    if point[0] != UNCOMPRESSED {
        return Err(CryptoError::InvalidKey);
    }
    PublicKey::from_sec1_bytes(point).map_err(|_| CryptoError::InvalidKey)
}

/// The first byte of a point of which both coordinates follow.
const UNCOMPRESSED: u8 = 4;

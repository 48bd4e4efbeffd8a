//! ECDH on P-256 (RFC 8422 §5.10, SEC 1 §3.3.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use p256::ecdh::EphemeralSecret;
use p256::elliptic_curve::Generate;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::point::{Point, encode_point, parse_point};
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

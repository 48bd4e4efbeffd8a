//! Public keys on P-256 as bytes (SEC 1 §2.3, RFC 8422 §5.4.1).

use p256::PublicKey;
use p256::elliptic_curve::sec1::ToSec1Point;

use crate::crypto::CryptoError;

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

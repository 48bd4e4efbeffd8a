//! The two halves of an elliptic-curve key agreement (RFC 8422 §5.4, §5.7).

use super::signed::DigitallySigned;
use crate::cursor::{Malformed, Reader, Writer};

/// The server's half, signed with the key of its certificate.
///
/// ```text
/// +--------------+-----------+----------+---------+-------------------+
/// | curve type 3 | group 16  | length 8 | point … | DigitallySigned … |
/// +--------------+-----------+----------+---------+-------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerKeyExchange<'a> {
    /// The code of the group.
    pub group: u16,
    /// The public value.
    pub public_key: &'a [u8],
    /// The signature over both randoms and [these parameters](Self::emit_parameters).
    pub signature: DigitallySigned<'a>,
}

impl<'a> ServerKeyExchange<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a field is cut, or the group is not given by its name.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        // RFC 8422 §5.4: explicit curves are no longer used.
        if r.u8("curve type")? != NAMED_CURVE {
            return Err(Malformed("curve type"));
        }
        Ok(Self {
            group: r.u16("group")?,
            public_key: point(r)?,
            signature: DigitallySigned::parse(r)?,
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        1 + 2 + 1 + self.public_key.len() + self.signature.encoded_len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        Self::emit_parameters(self.group, self.public_key, w);
        self.signature.emit(w);
    }

    /// Writes what is signed, after the two randoms.
    pub fn emit_parameters(group: u16, public_key: &[u8], w: &mut Writer<'_>) {
        w.u8(NAMED_CURVE);
        w.u16(group);
        w.prefixed_u8(|w| w.bytes(public_key));
    }
}

/// The client's half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKeyExchange<'a> {
    /// The public value.
    pub public_key: &'a [u8],
}

impl<'a> ClientKeyExchange<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        point(r).map(|public_key| Self { public_key })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        1 + self.public_key.len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.prefixed_u8(|w| w.bytes(self.public_key));
    }
}

/// RFC 8422 §5.4: a point has at least one byte.
fn point<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    match r.prefixed_u8("public key")? {
        [] => Err(Malformed("public key")),
        point => Ok(point),
    }
}

/// The curve type that says: a group code follows.
const NAMED_CURVE: u8 = 3;

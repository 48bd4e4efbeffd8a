//! Cryptography that anybody can forge, so that a fuzzer gets behind it.
//!
//! Tags, MACs and signatures are constants: an input that was never made by a
//! peer passes every check and reaches the state machine. A whole handshake
//! between two machines works with it. Hashes do depend on what is hashed, so
//! that fingerprints still tell certificates apart.

use alloc::boxed::Box;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    ActiveKeyExchange, Aead, AeadAlgorithm, AeadId, BadTag, CryptoError, CryptoProvider, Hash,
    HashAlgorithm, HashId, Hmac, HmacAlgorithm, KeyExchangeGroup, KeyGenerator, KeyStream,
    KeyStreamAlgorithm, KeyStreamId, KeyType, NamedGroup, Signature, SignatureScheme, SigningKey,
    TAG_LEN, Verifier,
};

/// Something for every algorithm that `rust_crypto` offers. Never use it on a network.
pub const PROVIDER: CryptoProvider = CryptoProvider {
    name: "fake",
    aeads: &[&FakeAead(AeadId::Aes128Gcm), &FakeAead(AeadId::Aes256Gcm)],
    key_streams: &[
        &FakeStream(KeyStreamId::Aes128Ctr),
        &FakeStream(KeyStreamId::Aes256Ctr),
    ],
    hashes: &[
        &FakeHash(HashId::Sha256),
        &FakeHash(HashId::Sha384),
        &FakeHash(HashId::Sha512),
        &FakeHash(HashId::Sha1),
        &FakeHash(HashId::Md5),
    ],
    hmacs: &[
        &FakeHmac(HashId::Sha256),
        &FakeHmac(HashId::Sha384),
        &FakeHmac(HashId::Sha1),
    ],
    groups: &[&FakeP256],
    generators: &[&FakeP256],
    verifiers: &[&FakeP256],
};

/// The tag of everything.
pub const TAG: [u8; TAG_LEN] = [0x7a; TAG_LEN];

/// Each byte of every MAC.
pub const MAC_BYTE: u8 = 0x3c;

/// The signature of everything.
pub const SIGNATURE: &[u8] = b"signed";

/// What each encrypted byte is XORed with.
pub const KEY_STREAM_BYTE: u8 = 0x55;

/// The length of a point of P-256.
const POINT_LEN: usize = 65;

struct FakeAead(AeadId);

impl AeadAlgorithm for FakeAead {
    fn id(&self) -> AeadId {
        self.0
    }

    fn key_len(&self) -> usize {
        match self.0 {
            AeadId::Aes128Gcm => 16,
            AeadId::Aes256Gcm | AeadId::ChaCha20Poly1305 => 32,
        }
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
        if key.len() == self.key_len() {
            Ok(Box::new(KeyedAead))
        } else {
            Err(CryptoError::InvalidKey)
        }
    }
}

struct KeyedAead;

impl Aead for KeyedAead {
    fn seal(&mut self, _: &[u8; 12], _: &[u8], data: &mut [u8], tag: &mut [u8; TAG_LEN]) {
        data.iter_mut().for_each(|byte| *byte ^= KEY_STREAM_BYTE);
        *tag = TAG;
    }

    fn open(
        &mut self,
        _: &[u8; 12],
        _: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), BadTag> {
        data.iter_mut().for_each(|byte| *byte ^= KEY_STREAM_BYTE);
        if *tag == TAG { Ok(()) } else { Err(BadTag) }
    }
}

struct FakeStream(KeyStreamId);

impl KeyStreamAlgorithm for FakeStream {
    fn id(&self) -> KeyStreamId {
        self.0
    }

    fn key_len(&self) -> usize {
        match self.0 {
            KeyStreamId::Aes128Ctr => 16,
            KeyStreamId::Aes256Ctr => 32,
        }
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn KeyStream>, CryptoError> {
        if key.len() == self.key_len() {
            Ok(Box::new(KeyedStream))
        } else {
            Err(CryptoError::InvalidKey)
        }
    }
}

struct KeyedStream;

impl KeyStream for KeyedStream {
    fn apply(&self, _: &[u8; 16], data: &mut [u8]) {
        data.iter_mut().for_each(|byte| *byte ^= KEY_STREAM_BYTE);
    }
}

struct FakeHash(HashId);

impl HashAlgorithm for FakeHash {
    fn id(&self) -> HashId {
        self.0
    }

    fn start(&self) -> Box<dyn Hash> {
        Box::new(Fnv {
            id: self.0,
            state: 0xcbf2_9ce4_8422_2325,
        })
    }
}

/// FNV-1a with 64 bits, repeated to the length of the hash.
struct Fnv {
    id: HashId,
    state: u64,
}

impl Hash for Fnv {
    fn update(&mut self, data: &[u8]) {
        for &byte in data {
            self.state = (self.state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn current(&self) -> ArrayVec<u8, 64> {
        let bytes = self.state.to_be_bytes();
        bytes
            .into_iter()
            .cycle()
            .take(self.id.output_len())
            .collect()
    }
}

struct FakeHmac(HashId);

impl HmacAlgorithm for FakeHmac {
    fn hash(&self) -> HashId {
        self.0
    }

    fn key(&self, _: &[u8]) -> Box<dyn Hmac> {
        Box::new(Self(self.0))
    }
}

impl Hmac for FakeHmac {
    fn sign(&self, _: &[&[u8]]) -> ArrayVec<u8, 64> {
        core::iter::repeat_n(MAC_BYTE, self.0.output_len()).collect()
    }
}

struct FakeP256;

impl KeyExchangeGroup for FakeP256 {
    fn group(&self) -> NamedGroup {
        NamedGroup::Secp256r1
    }

    fn start(&self, rng: &mut dyn CryptoRng) -> Box<dyn ActiveKeyExchange> {
        Box::new(Public(random_point(rng)))
    }
}

impl KeyGenerator for FakeP256 {
    fn key_type(&self) -> KeyType {
        KeyType::EcdsaP256
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Box<dyn SigningKey> {
        Box::new(Public(random_point(rng)))
    }

    fn load(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        Ok(Box::new(Public(parse_point(der)?)))
    }
}

impl Verifier for FakeP256 {
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::EcdsaSecp256r1Sha256
    }

    fn verify(&self, public_key: &[u8], _: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        parse_point(public_key)?;
        if signature == SIGNATURE {
            Ok(())
        } else {
            Err(CryptoError::BadSignature)
        }
    }
}

/// The key pair of an exchange or a certificate: only the public half exists.
struct Public([u8; POINT_LEN]);

impl ActiveKeyExchange for Public {
    fn public_key(&self) -> &[u8] {
        &self.0
    }

    fn finish(self: Box<Self>, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let peer = parse_point(peer)?;
        let xor = self.0.iter().zip(&peer).map(|(a, b)| a ^ b);
        Ok(Zeroizing::new(xor.skip(1).take(32).collect()))
    }
}

impl SigningKey for Public {
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::EcdsaSecp256r1Sha256
    }

    fn public_key(&self) -> &[u8] {
        &self.0
    }

    fn sign(&self, _: &mut dyn CryptoRng, _: &[u8]) -> Signature {
        SIGNATURE.to_vec()
    }

    fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_vec())
    }
}

fn random_point(rng: &mut dyn CryptoRng) -> [u8; POINT_LEN] {
    let mut point = [0; POINT_LEN];
    rng.fill_bytes(&mut point);
    point[0] = 4;
    point
}

/// Looks like an uncompressed point, wherever it lies.
fn parse_point(bytes: &[u8]) -> Result<[u8; POINT_LEN], CryptoError> {
    let point: [u8; POINT_LEN] = bytes.try_into().map_err(|_| CryptoError::InvalidKey)?;
    if point[0] == 4 {
        Ok(point)
    } else {
        Err(CryptoError::InvalidKey)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::crypto::certificate::{Certificate, CertificateOptions, PeerKey};
    use crate::rng::Rng;

    #[test]
    fn two_ends_agree_and_believe_each_other() {
        let mut rng = Rng::from_number(1);
        let (a, b) = (FakeP256.start(&mut rng), FakeP256.start(&mut rng));
        let (public_a, public_b) = (a.public_key().to_vec(), b.public_key().to_vec());
        assert_eq!(a.finish(&public_b).unwrap(), b.finish(&public_a).unwrap());

        let options = CertificateOptions {
            common_name: String::from("fake"),
            not_before: 0,
            not_after: 1,
        };
        let certificate = Certificate::generate(&PROVIDER, &mut rng, &options).unwrap();
        let signature = certificate.key().sign(&mut rng, b"message");
        let key = PeerKey::from_der(certificate.der()).unwrap().public_key;
        assert!(FakeP256.verify(&key, b"message", &signature).is_ok());
        assert!(FakeP256.verify(&key, b"message", b"other").is_err());
        let fingerprint = certificate.fingerprint(&PROVIDER, HashId::Sha256).unwrap();
        assert!(fingerprint.matches(&PROVIDER, certificate.der()));
        assert!(!fingerprint.matches(&PROVIDER, b""));
    }

    #[test]
    fn what_is_sealed_opens_and_needs_the_tag() {
        let mut aead = FakeAead(AeadId::Aes128Gcm).key(&[0; 16]).unwrap();
        let (mut data, mut tag) = (*b"data", [0; TAG_LEN]);
        aead.seal(&[0; 12], b"", &mut data, &mut tag);
        assert_ne!(&data, b"data");
        assert!(aead.open(&[0; 12], b"", &mut data, &tag).is_ok());
        assert_eq!(&data, b"data");
        assert!(aead.open(&[0; 12], b"", &mut data, &[0; TAG_LEN]).is_err());
    }
}

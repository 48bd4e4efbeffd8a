//! The known answers.

use alloc::vec::Vec;

use crate::crypto::{AeadId, HashId, KeyStreamId, TAG_LEN};

/// What a message becomes when it is sealed.
pub(super) struct Sealed {
    pub(super) id: AeadId,
    pub(super) key: &'static [u8],
    pub(super) nonce: [u8; 12],
    pub(super) aad: [u8; 12],
    pub(super) plain: &'static [u8],
    pub(super) sealed: [u8; 38],
    pub(super) tag: [u8; TAG_LEN],
}

/// RFC 7714 §16.1.1 and §16.2.1: the packet's header is authenticated, its payload encrypted.
pub(super) static AEAD: [Sealed; 2] = [
    Sealed {
        id: AeadId::Aes128Gcm,
        key: &hex::<16>("000102030405060708090a0b0c0d0e0f"),
        nonce: hex("51753c6580c2726f20718414"),
        aad: hex("8040f17b8041f8d35501a0b2"),
        plain: b"Gallia est omnis divisa in partes tres",
        sealed: hex("f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"),
        tag: hex("899d7f27beb16a9152cf765ee4390cce"),
    },
    Sealed {
        id: AeadId::Aes256Gcm,
        key: &hex::<32>("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        nonce: hex("51753c6580c2726f20718414"),
        aad: hex("8040f17b8041f8d35501a0b2"),
        plain: b"Gallia est omnis divisa in partes tres",
        sealed: hex("32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"),
        tag: hex("7aa3db36dfffd6b0f9bb7878d7a76c13"),
    },
];

/// The first bytes of a stream.
pub(super) struct Stream {
    pub(super) id: KeyStreamId,
    pub(super) key: &'static [u8],
    pub(super) counter: [u8; 16],
    pub(super) stream: &'static [u8],
}

/// RFC 3711 §B.2 and RFC 6188 §7.1: three blocks each.
pub(super) static KEY_STREAM: [Stream; 2] = [
    Stream {
        id: KeyStreamId::Aes128Ctr,
        key: &hex::<16>("2b7e151628aed2a6abf7158809cf4f3c"),
        counter: hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000"),
        stream: &hex::<48>(concat!(
            "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab",
            "41e95b3bb0a2e8dd477901e4fca894c0"
        )),
    },
    Stream {
        id: KeyStreamId::Aes256Ctr,
        key: &hex::<32>("57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98"),
        counter: hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000"),
        stream: &hex::<48>(concat!(
            "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac",
            "63c4868b7096d88421b563b8c94c9a31"
        )),
    },
];

/// The hashes of "abc".
pub(super) static HASH: [(HashId, &[u8]); 5] = [
    (HashId::Md5, &hex::<16>("900150983cd24fb0d6963f7d28e17f72")),
    (
        HashId::Sha1,
        &hex::<20>("a9993e364706816aba3e25717850c26c9cd0d89d"),
    ),
    (
        HashId::Sha256,
        &hex::<32>("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ),
    (
        HashId::Sha384,
        &hex::<48>(concat!(
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed",
            "8086072ba1e7cc2358baeca134c825a7"
        )),
    ),
    (
        HashId::Sha512,
        &hex::<64>(concat!(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a",
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        )),
    ),
];

/// A message, a key, and their MAC.
pub(super) struct Authenticated {
    pub(super) hash: HashId,
    pub(super) key: &'static [u8],
    pub(super) message: &'static [u8],
    pub(super) mac: &'static [u8],
}

/// The second test cases of RFC 2202 §3 and RFC 4231 §4.3, with a key that is
/// shorter than the hash, and the key and message of RFC 4231 §4.7, longer than
/// a block.
pub(super) static HMAC: [Authenticated; 6] = [
    Authenticated {
        hash: HashId::Sha1,
        key: b"Jefe",
        message: b"what do ya want for nothing?",
        mac: &hex::<20>("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    },
    Authenticated {
        hash: HashId::Sha1,
        key: &[0xaa; 131],
        message: b"Test Using Larger Than Block-Size Key - Hash Key First",
        mac: &hex::<20>("90d0dace1c1bdc957339307803160335bde6df2b"),
    },
    Authenticated {
        hash: HashId::Sha256,
        key: b"Jefe",
        message: b"what do ya want for nothing?",
        mac: &hex::<32>("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    },
    Authenticated {
        hash: HashId::Sha256,
        key: &[0xaa; 131],
        message: b"Test Using Larger Than Block-Size Key - Hash Key First",
        mac: &hex::<32>("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    },
    Authenticated {
        hash: HashId::Sha384,
        key: b"Jefe",
        message: b"what do ya want for nothing?",
        mac: &hex::<48>(concat!(
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e",
            "8e2240ca5e69e2c78b3239ecfab21649"
        )),
    },
    Authenticated {
        hash: HashId::Sha384,
        key: &[0xaa; 131],
        message: b"Test Using Larger Than Block-Size Key - Hash Key First",
        mac: &hex::<48>(concat!(
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6",
            "0c2ef6ab4030fe8296248df163f44952"
        )),
    },
];

/// The base point of P-256 (SEC 2 §2.4.2).
pub(super) static P256_BASE: [u8; 65] = hex(concat!(
    "04",
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
));

/// Public values that P-256 does not have.
pub(super) fn not_on_p256() -> Vec<Vec<u8>> {
    let infinity = [0].to_vec();
    let mut compressed = P256_BASE[..33].to_vec();
    compressed[0] = 2 + (P256_BASE[64] & 1);
    let mut beside = P256_BASE.to_vec();
    beside[64] ^= 1;
    // The point with the first coordinate 0, written as the prime instead.
    let unreduced = [&[4][..], &P256_PRIME, &P256_ROOT].concat();
    let mut hybrid = P256_BASE.to_vec();
    hybrid[0] = 6 + (P256_BASE[64] & 1);
    [infinity, compressed, beside, unreduced, hybrid].into()
}

/// The prime of the field of P-256 (SEC 2 §2.4.2).
static P256_PRIME: [u8; 32] =
    hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");

/// The second coordinate of a point of P-256 whose first is 0.
static P256_ROOT: [u8; 32] =
    hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");

/// RFC 6979 §A.2.5: a public key.
pub(super) static ECDSA_KEY: [u8; 65] = hex(concat!(
    "04",
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
));

/// RFC 6979 §A.2.5: a message.
pub(super) static ECDSA_MESSAGE: &[u8] = b"sample";

/// RFC 6979 §A.2.5: its signature with SHA-256, as a DER sequence of two numbers.
pub(super) static ECDSA_SIGNATURE: [u8; 72] = hex(concat!(
    "3046",
    "022100",
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
    "022100",
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
));

/// The bytes that a constant writes as hexadecimal digits.
const fn hex<const N: usize>(digits: &str) -> [u8; N] {
    const fn value(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            _ => digit - b'a' + 10,
        }
    }
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N, "a constant of another length");
    let mut bytes = [0; N];
    let mut i = 0;
    while i < N {
        bytes[i] = value(digits[2 * i]) << 4 | value(digits[2 * i + 1]);
        i += 1;
    }
    bytes
}

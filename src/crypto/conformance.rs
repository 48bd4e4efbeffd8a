//! Does a backend do what the machines rely on?
//!
//! [`check`] runs known answers and the rules of the traits' documentation
//! against any [`CryptoProvider`]. Call it from a test of your backend; it is
//! there with the feature `sim`.

mod answers;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use thiserror::Error;

use super::{
    Aead, AeadAlgorithm, AeadId, BadTag, CryptoError, CryptoProvider, HashAlgorithm, HashId,
    HmacAlgorithm, KeyExchangeGroup, KeyGenerator, KeyStreamAlgorithm, KeyStreamId, KeyType,
    NamedGroup, SignatureScheme, TAG_LEN, Verifier,
};
use crate::rng::Rng;

/// What does a backend get wrong?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{algorithm:?}: {rule}")]
pub struct Failure {
    /// Of which algorithm.
    pub algorithm: Algorithm,
    /// What was expected of it.
    pub rule: &'static str,
}

/// Which algorithm of a backend?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// An authenticated cipher.
    Aead(AeadId),
    /// A stream cipher.
    KeyStream(KeyStreamId),
    /// A hash function.
    Hash(HashId),
    /// A keyed hash function.
    Hmac(HashId),
    /// A key agreement.
    Group(NamedGroup),
    /// A generator of keys.
    Generator(KeyType),
    /// A check of signatures.
    Verifier(SignatureScheme),
}

/// Tries everything that `provider` offers.
///
/// An algorithm for which no answers are known here has only to keep the rules.
///
/// # Errors
///
/// The first [`Failure`].
pub fn check(provider: &CryptoProvider, rng: &mut dyn CryptoRng) -> Result<(), Failure> {
    let of = |algorithm| move |rule| Failure { algorithm, rule };
    for &aead in provider.aeads {
        check_aead(aead).map_err(of(Algorithm::Aead(aead.id())))?;
    }
    for &stream in provider.key_streams {
        check_key_stream(stream).map_err(of(Algorithm::KeyStream(stream.id())))?;
    }
    for &hash in provider.hashes {
        check_hash(hash).map_err(of(Algorithm::Hash(hash.id())))?;
    }
    for &hmac in provider.hmacs {
        check_hmac(hmac).map_err(of(Algorithm::Hmac(hmac.hash())))?;
    }
    for &group in provider.groups {
        check_group(group, rng).map_err(of(Algorithm::Group(group.group())))?;
    }
    for &verifier in provider.verifiers {
        check_verifier(verifier).map_err(of(Algorithm::Verifier(verifier.scheme())))?;
    }
    for &generator in provider.generators {
        check_generator(provider, generator, rng)
            .map_err(of(Algorithm::Generator(generator.key_type())))?;
    }
    Ok(())
}

/// The rule that was broken.
type Broken = &'static str;

const fn expect(holds: bool, rule: Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(rule) }
}

fn check_aead(algorithm: &dyn AeadAlgorithm) -> Result<(), Broken> {
    let key = vec![7; algorithm.key_len()];
    for len in [0, key.len() - 1, key.len() + 1] {
        expect(
            algorithm.key(&vec![7; len]).err() == Some(CryptoError::InvalidKey),
            "a key of another length is refused",
        )?;
    }
    let mut aead = algorithm.key(&key).map_err(|_| "a key is taken")?;
    for len in [0, 1, 15, 16, 17, 1200] {
        check_round_trip(&mut aead, &vec![3; len])?;
    }
    for answer in answers::AEAD.iter().filter(|a| a.id == algorithm.id()) {
        check_aead_answer(algorithm, answer)?;
    }
    Ok(())
}

fn check_round_trip(aead: &mut Box<dyn Aead>, plain: &[u8]) -> Result<(), Broken> {
    let (nonce, aad) = ([1; 12], [2; 13]);
    let mut sealed = plain.to_vec();
    let mut tag = [0; TAG_LEN];
    aead.seal(&nonce, &aad, &mut sealed, &mut tag);

    let mut opened = sealed.clone();
    aead.open(&nonce, &aad, &mut opened, &tag)
        .map_err(|BadTag| "what was sealed can be opened")?;
    expect(opened == plain, "what was sealed is found again")?;

    let mut refuses = |nonce: &[u8; 12], aad: &[u8], sealed: &[u8], tag: &[u8; TAG_LEN]| {
        let mut data = sealed.to_vec();
        let opened = aead.open(nonce, aad, &mut data, tag);
        expect(opened == Err(BadTag), "nothing opens that was changed")
    };
    for bit in 0..TAG_LEN * 8 {
        let mut tag = tag;
        tag[bit / 8] ^= 1 << (bit % 8);
        refuses(&nonce, &aad, &sealed, &tag)?;
    }
    refuses(&[9; 12], &aad, &sealed, &tag)?;
    refuses(&nonce, &[9; 13], &sealed, &tag)?;
    refuses(&nonce, &aad[1..], &sealed, &tag)?;
    if let Some((last, _)) = sealed.clone().split_last() {
        let mut other = sealed.clone();
        other[0] ^= 1;
        refuses(&nonce, &aad, &other, &tag)?;
        other[0] ^= 1;
        other[sealed.len() - 1] = !last;
        refuses(&nonce, &aad, &other, &tag)?;
        refuses(&nonce, &aad, &sealed[1..], &tag)?;
    }
    Ok(())
}

fn check_aead_answer(
    algorithm: &dyn AeadAlgorithm,
    answer: &answers::Sealed,
) -> Result<(), Broken> {
    let mut aead = algorithm.key(answer.key).map_err(|_| "a key is taken")?;
    let mut data = answer.plain.to_vec();
    let mut tag = [0; TAG_LEN];
    aead.seal(&answer.nonce, &answer.aad, &mut data, &mut tag);
    expect(
        data == answer.sealed && tag == answer.tag,
        "RFC 7714 §16: the known answer",
    )
}

fn check_key_stream(algorithm: &dyn KeyStreamAlgorithm) -> Result<(), Broken> {
    let key = vec![7; algorithm.key_len()];
    for len in [0, key.len() - 1, key.len() + 1] {
        expect(
            algorithm.key(&vec![7; len]).err() == Some(CryptoError::InvalidKey),
            "a key of another length is refused",
        )?;
    }
    let stream = algorithm.key(&key).map_err(|_| "a key is taken")?;
    let at = |counter: u128, len: usize| {
        let mut data = vec![0; len];
        stream.apply(&counter.to_be_bytes(), &mut data);
        data
    };
    // The carry goes through all 16 bytes, and around.
    for counter in [0, 0xffff, u128::from(u64::MAX), u128::MAX] {
        let row = at(counter, 1000);
        expect(
            row[16..] == at(counter.wrapping_add(1), 984),
            "SP 800-38A §B.1: each block has the next counter",
        )?;
        expect(row[..7] == at(counter, 7), "a part of a block is its start")?;
    }
    for answer in answers::KEY_STREAM
        .iter()
        .filter(|a| a.id == algorithm.id())
    {
        let stream = algorithm.key(answer.key).map_err(|_| "a key is taken")?;
        let mut data = vec![0; answer.stream.len()];
        stream.apply(&answer.counter, &mut data);
        expect(
            data == answer.stream,
            "RFC 3711 §B.2, RFC 6188 §7.1: the known answer",
        )?;
    }
    Ok(())
}

fn check_hash(algorithm: &dyn HashAlgorithm) -> Result<(), Broken> {
    let mut hash = algorithm.start();
    expect(
        hash.current().len() == algorithm.id().output_len(),
        "the output has its length",
    )?;
    hash.update(b"a");
    let _ = hash.current();
    hash.update(b"");
    hash.update(b"bc");
    let answer = answers::HASH.iter().find(|(id, _)| *id == algorithm.id());
    if let Some((_, answer)) = answer {
        expect(
            hash.current().as_slice() == *answer,
            "FIPS 180-4, RFC 1321: the hash of \"abc\", fed in pieces",
        )?;
    }
    let mut pieces = algorithm.start();
    let mut whole = algorithm.start();
    let text = [0x5a; 300];
    text.chunks(7).for_each(|piece| pieces.update(piece));
    whole.update(&text);
    expect(
        pieces.current() == whole.current(),
        "the pieces do not matter",
    )
}

fn check_hmac(algorithm: &dyn HmacAlgorithm) -> Result<(), Broken> {
    for key_len in [0, 1, 64, 65, 128, 129, 300] {
        let hmac = algorithm.key(&vec![1; key_len]);
        let mac = hmac.sign(&[b"what do ", b"", b"ya want"]);
        expect(
            mac.len() == algorithm.hash().output_len(),
            "the output has its length",
        )?;
        expect(
            mac == hmac.sign(&[b"what do ya want"]),
            "the parts do not matter, and signing changes nothing",
        )?;
    }
    let known = answers::HMAC
        .iter()
        .filter(|answer| answer.hash == algorithm.hash());
    for answer in known {
        let mac = algorithm.key(answer.key).sign(&[answer.message]);
        expect(
            mac.as_slice() == answer.mac,
            "RFC 2202 §3, RFC 4231 §4: the known answer",
        )?;
    }
    Ok(())
}

fn check_group(group: &dyn KeyExchangeGroup, rng: &mut dyn CryptoRng) -> Result<(), Broken> {
    let (a, b) = (group.start(rng), group.start(rng));
    let (public_a, public_b) = (a.public_key().to_vec(), b.public_key().to_vec());
    expect(public_a != public_b, "each key pair is fresh")?;
    let same = || group.start(&mut Rng::from_number(7));
    expect(
        same().public_key() == same().public_key(),
        "the same randomness gives the same key pair",
    )?;
    let shared_a = a.finish(&public_b).map_err(|_| "a public value is taken")?;
    let shared_b = b.finish(&public_a).map_err(|_| "a public value is taken")?;
    expect(shared_a == shared_b, "both ends agree")?;

    let mut refuses = |peer: &[u8]| {
        let shared = group.start(rng).finish(peer);
        expect(
            shared.err() == Some(CryptoError::InvalidKey),
            "a value that is no public key is refused",
        )
    };
    refuses(&[])?;
    refuses(&public_a[1..])?;
    refuses(&[public_a.as_slice(), &[0]].concat())?;
    // RFC 8446 §7.4.2, RFC 7748 §6.1: zeros are no point of a NIST curve, and
    // on the others give a secret that everybody knows.
    refuses(&vec![0; public_a.len()])?;
    if group.group() == NamedGroup::Secp256r1 {
        for point in answers::not_on_p256() {
            refuses(&point)?;
        }
        check_base_point(group, rng)?;
    }
    Ok(())
}

/// The secret shared with the base point is the own public key's coordinate:
/// a known answer for a private key that is not known.
fn check_base_point(group: &dyn KeyExchangeGroup, rng: &mut dyn CryptoRng) -> Result<(), Broken> {
    let active = group.start(rng);
    let public = active.public_key().to_vec();
    expect(
        public.len() == 65 && public[0] == 4,
        "RFC 8422 §5.4.1: a public value is an uncompressed point",
    )?;
    let shared = active
        .finish(&answers::P256_BASE)
        .map_err(|_| "the base point is taken")?;
    expect(
        shared.as_slice() == &public[1..33],
        "SEC 1 §3.3.1: the secret is the first coordinate of the product",
    )
}

fn check_verifier(verifier: &dyn Verifier) -> Result<(), Broken> {
    if verifier.scheme() != SignatureScheme::EcdsaSecp256r1Sha256 {
        return Ok(());
    }
    let (key, message) = (&answers::ECDSA_KEY, answers::ECDSA_MESSAGE);
    let signature = &answers::ECDSA_SIGNATURE;
    verifier
        .verify(key, message, signature)
        .map_err(|_| "RFC 6979 §A.2.5: the signature is taken")?;
    let refuses = |message: &[u8], signature: &[u8]| {
        let refused = verifier.verify(key, message, signature) == Err(CryptoError::BadSignature);
        expect(refused, "a signature that was changed is refused")
    };
    refuses(b"samplf", signature)?;
    refuses(message, &[])?;
    refuses(message, &[&signature[..], &[0]].concat())?;
    // A DER sequence of two zeros: true for every message if it is not refused.
    refuses(message, &[0x30, 6, 2, 1, 0, 2, 1, 0])?;
    for i in 0..signature.len() {
        let mut changed = *signature;
        changed[i] ^= 1;
        refuses(message, &changed)?;
        refuses(message, &signature[..i])?;
    }
    for key in answers::not_on_p256() {
        expect(
            verifier.verify(&key, message, signature) == Err(CryptoError::InvalidKey),
            "a key that is no public key is refused",
        )?;
    }
    Ok(())
}

fn check_generator(
    provider: &CryptoProvider,
    generator: &dyn KeyGenerator,
    rng: &mut dyn CryptoRng,
) -> Result<(), Broken> {
    let key = generator.generate(rng);
    expect(
        key.scheme().key_type() == generator.key_type(),
        "a key has the type of its generator",
    )?;
    let other = generator.generate(rng);
    expect(
        key.public_key() != other.public_key(),
        "each key pair is fresh",
    )?;
    let same = || generator.generate(&mut Rng::from_number(7));
    let sign = |message| same().sign(&mut Rng::from_number(8), message);
    expect(
        same().public_key() == same().public_key() && sign(b"a") == sign(b"a"),
        "the same randomness gives the same key, and the same signature",
    )?;
    let kept = generator
        .load(&key.to_pkcs8())
        .map_err(|_| "a key that was kept can be loaded")?;
    expect(
        kept.public_key() == key.public_key(),
        "a key that was kept is found again",
    )?;
    for der in [&[][..], b"no key", &[0x30, 0]] {
        expect(
            generator.load(der).err() == Some(CryptoError::InvalidKey),
            "what is no key is refused",
        )?;
    }
    let Some(verifier) = provider.verifier(key.scheme()) else {
        return Ok(());
    };
    let messages: [Vec<u8>; 3] = [vec![], vec![1], vec![2; 5000]];
    for message in &messages {
        let signature = kept.sign(rng, message);
        verifier
            .verify(key.public_key(), message, &signature)
            .map_err(|_| "a signature verifies with its key")?;
        expect(
            verifier.verify(other.public_key(), message, &signature)
                == Err(CryptoError::BadSignature),
            "a signature verifies with no other key",
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fake;

    #[test]
    #[cfg(feature = "rust-crypto")]
    fn the_default_backend_conforms() {
        let provider = crate::crypto::rust_crypto::PROVIDER;
        assert_eq!(check(&provider, &mut Rng::from_number(1)), Ok(()));
    }

    #[test]
    #[cfg(feature = "aws-lc-rs")]
    fn the_second_backend_conforms() {
        let provider = crate::crypto::aws_lc_rs::PROVIDER;
        assert_eq!(check(&provider, &mut Rng::from_number(1)), Ok(()));
    }

    #[test]
    fn the_fake_backend_is_found_out_in_every_part() {
        let nothing = CryptoProvider {
            aeads: &[],
            key_streams: &[],
            hashes: &[],
            hmacs: &[],
            groups: &[],
            generators: &[],
            verifiers: &[],
            ..fake::PROVIDER
        };
        let parts = [
            CryptoProvider {
                aeads: fake::PROVIDER.aeads,
                ..nothing
            },
            CryptoProvider {
                key_streams: fake::PROVIDER.key_streams,
                ..nothing
            },
            CryptoProvider {
                hashes: fake::PROVIDER.hashes,
                ..nothing
            },
            CryptoProvider {
                hmacs: fake::PROVIDER.hmacs,
                ..nothing
            },
            CryptoProvider {
                groups: fake::PROVIDER.groups,
                ..nothing
            },
            CryptoProvider {
                verifiers: fake::PROVIDER.verifiers,
                ..nothing
            },
            CryptoProvider {
                generators: fake::PROVIDER.generators,
                verifiers: fake::PROVIDER.verifiers,
                ..nothing
            },
        ];
        let rng = &mut Rng::from_number(1);
        assert_eq!(check(&nothing, rng), Ok(()));
        for part in parts {
            assert!(check(&part, rng).is_err());
        }
    }
}

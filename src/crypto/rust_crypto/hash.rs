//! MD5, SHA-1, the SHA-2 family, and HMAC over them.

use alloc::boxed::Box;
use core::marker::PhantomData;

use arrayvec::ArrayVec;
use hmac::digest::block_api::EagerHash;
use hmac::digest::{Digest, FixedOutput, KeyInit, Update};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use crate::crypto::{Hash, HashAlgorithm, HashId, Hmac, HmacAlgorithm};

pub(in crate::crypto) const MD_5: Function<Md5> = Function::new(HashId::Md5);
pub(in crate::crypto) const SHA_1: Function<Sha1> = Function::new(HashId::Sha1);
pub(in crate::crypto) const SHA_256: Function<Sha256> = Function::new(HashId::Sha256);
pub(in crate::crypto) const SHA_384: Function<Sha384> = Function::new(HashId::Sha384);
pub(in crate::crypto) const SHA_512: Function<Sha512> = Function::new(HashId::Sha512);

pub(in crate::crypto) const HMAC_SHA_1: Function<hmac::Hmac<Sha1>> = Function::new(HashId::Sha1);
pub(in crate::crypto) const HMAC_SHA_256: Function<hmac::Hmac<Sha256>> =
    Function::new(HashId::Sha256);
pub(in crate::crypto) const HMAC_SHA_384: Function<hmac::Hmac<Sha384>> =
    Function::new(HashId::Sha384);

/// A hash or HMAC that has no state yet.
pub(in crate::crypto) struct Function<D> {
    id: HashId,
    function: PhantomData<fn() -> D>,
}

impl<D> Function<D> {
    const fn new(id: HashId) -> Self {
        Self {
            id,
            function: PhantomData,
        }
    }
}

impl<D: Digest + Clone + Send + 'static> HashAlgorithm for Function<D> {
    fn id(&self) -> HashId {
        self.id
    }

    fn start(&self) -> Box<dyn Hash> {
        Box::new(UnderWay(D::new()))
    }
}

impl<D> HmacAlgorithm for Function<hmac::Hmac<D>>
where
    D: EagerHash,
    hmac::Hmac<D>: Send + 'static,
{
    fn hash(&self) -> HashId {
        self.id
    }

    fn key(&self, key: &[u8]) -> Box<dyn Hmac> {
        Box::new(Keyed(
            hmac::Hmac::<D>::new_from_slice(key).expect("a key of HMAC has any length"),
        ))
    }
}

/// A hash that was fed some bytes.
struct UnderWay<D>(D);

impl<D: Digest + Clone + Send> Hash for UnderWay<D> {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn current(&self) -> ArrayVec<u8, 64> {
        self.0.clone().finalize().iter().copied().collect()
    }
}

/// An HMAC that has absorbed its key and nothing else.
struct Keyed<D: EagerHash>(hmac::Hmac<D>);

impl<D> Hmac for Keyed<D>
where
    D: EagerHash,
    hmac::Hmac<D>: Send,
{
    fn sign(&self, parts: &[&[u8]]) -> ArrayVec<u8, 64> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize_fixed().iter().copied().collect()
    }
}

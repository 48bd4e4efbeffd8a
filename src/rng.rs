//! Where does randomness come from? From one seed, given by the caller.

use core::convert::Infallible;
use core::fmt;

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng as _, SeedableRng, TryCryptoRng, TryRng};
use zeroize::Zeroizing;

/// What is the next random number?
///
/// ChaCha20 from a 32-byte seed. Each machine owns one, and a parent forks one
/// for each child, so that the same seed and the same calls give the same bytes
/// whatever the siblings do. It is the only kind of randomness in the crate:
/// identifiers, nonces and keys all come from it.
///
/// It keeps one block of the stream, not the several that are made at a time: a
/// connection has many generators and draws seldom.
#[derive(Clone)]
pub struct Rng {
    seed: Zeroizing<[u8; 32]>,
    /// The block of the last word that was drawn.
    block: Zeroizing<[u32; BLOCK]>,
    /// How many words were drawn.
    drawn: u64,
}

impl Rng {
    /// The generator of a seed. A seed used on a network must be secret and
    /// used once.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self {
            seed: Zeroizing::new(seed),
            block: Zeroizing::default(),
            drawn: 0,
        }
    }

    /// A generator seeded from another one.
    #[must_use]
    pub fn from_rng(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self::from_seed(seed)
    }

    /// A generator for simulations, from a small number.
    ///
    /// Never use it on a network: 64 bits can be guessed.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        Self::from_seed(seed)
    }

    /// A generator seeded by the operating system.
    ///
    /// # Errors
    ///
    /// If the system has no entropy to give.
    #[cfg(feature = "std")]
    pub fn from_os() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self::from_seed(seed))
    }

    /// A child whose numbers are independent of what this one draws later.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::from_seed(self.array())
    }

    /// `N` random bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random 32-bit number.
    pub fn u32(&mut self) -> u32 {
        let place = usize::try_from(self.drawn % BLOCK as u64).unwrap_or(0);
        if place == 0 {
            let mut stream = ChaCha20Rng::from_seed(*self.seed);
            stream.set_word_pos(self.drawn.into());
            self.block.fill_with(|| stream.next_u32());
        }
        self.drawn += 1;
        self.block.get(place).copied().unwrap_or_default()
    }

    /// A random 64-bit number.
    pub fn u64(&mut self) -> u64 {
        let low = self.u32();
        u64::from(self.u32()) << 32 | u64::from(low)
    }

    /// A number from 0 up to and without `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The bias of the multiply-shift is at most end / 2^64.
        let wide = u128::from(self.u64()) * u128::from(end);
        (wide >> 64) as u64
    }

    /// Words in the order of their bytes; what a short last one has left over is lost.
    fn fill(&mut self, bytes: &mut [u8]) {
        for target in bytes.chunks_mut(4) {
            let word = self.u32().to_le_bytes();
            target
                .iter_mut()
                .zip(word)
                .for_each(|(to, from)| *to = from);
        }
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

/// How many words a block of ChaCha20 has.
const BLOCK: usize = 16;

/// The state predicts every key to come: it is never printed.
impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_does_not_depend_on_what_its_parent_draws_later() {
        let mut a = Rng::from_number(7);
        let mut b = Rng::from_number(7);
        let (mut child_a, mut child_b) = (a.fork(), b.fork());
        a.u64();
        assert_eq!(child_a.array::<16>(), child_b.array::<16>());
        assert_ne!(a.u64(), b.u64());
    }

    #[test]
    fn the_numbers_are_those_of_one_long_stream() {
        let mut stream = ChaCha20Rng::from_seed(Rng::from_number(3).array());
        let mut rng = Rng::from_seed(Rng::from_number(3).array());
        for round in 0..300 {
            let (mut expected, mut drawn) = ([0; 9], [0; 9]);
            let len = round % 10;
            stream.fill_bytes(&mut expected[..len]);
            rng.fill_bytes(&mut drawn[..len]);
            assert_eq!(drawn, expected);
            assert_eq!(
                (rng.u32(), rng.u64()),
                (stream.next_u32(), stream.next_u64())
            );
            let mut child = Rng::from_rng(&mut stream);
            assert_eq!(rng.fork().u64(), child.u64());
        }
    }

    #[test]
    fn below_stays_below() {
        let mut rng = Rng::from_number(1);
        assert_eq!(rng.below(0), 0);
        assert!((0..1000).all(|_| rng.below(3) < 3));
    }
}

//! Names that say nothing about who has them.

use alloc::string::String;
use core::fmt::Write as _;

use rand_core::CryptoRng;

use crate::wire::mdns::Name;

/// A name that nobody has: a random UUID and `.local`
/// (draft-ietf-mmusic-mdns-ice-candidates §3.1.1).
pub fn random_name(rng: &mut (impl CryptoRng + ?Sized)) -> String {
    let mut uuid = [0; 16];
    rng.fill_bytes(&mut uuid);
    // RFC 9562 §5.4: version 4, variant 10.
    let number = u128::from_be_bytes(uuid);
    let number = number & !(0xf << 76) | 0x4 << 76;
    let number = number & !(0x3 << 62) | 0x2 << 62;
    let group = |shift: u32, digits: u32| number >> shift & ((1 << (4 * digits)) - 1);
    let mut name = String::with_capacity(42);
    // Writing to a string cannot fail.
    let _ = write!(
        name,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}.local",
        group(96, 8),
        group(80, 4),
        group(64, 4),
        group(48, 4),
        group(0, 12)
    );
    name
}

/// Whether a host name is to be asked for by multicast, and nowhere else: one label
/// and `.local` (draft-ietf-mmusic-mdns-ice-candidates §3.2.1).
#[must_use]
pub fn is_local_name(host: &str) -> bool {
    let Ok(name) = Name::new(host) else {
        return false;
    };
    let mut labels = name.labels().skip(1);
    let second = labels.next().unwrap_or_default();
    second.eq_ignore_ascii_case(b"local") && labels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_random_name_is_a_uuid_of_version_4() {
        let mut rng = Rng::from_number(7);
        for _ in 0..100 {
            let name = random_name(&mut rng);
            assert!(is_local_name(&name), "{name}");
            let uuid = name.strip_suffix(".local").unwrap();
            let groups: alloc::vec::Vec<&str> = uuid.split('-').collect();
            let lens: alloc::vec::Vec<usize> = groups.iter().map(|group| group.len()).collect();
            assert_eq!(lens, [8, 4, 4, 4, 12]);
            assert!(groups[2].starts_with('4'));
            assert!(groups[3].starts_with(['8', '9', 'a', 'b']));
        }
        assert_ne!(random_name(&mut rng), random_name(&mut rng));
    }

    #[test]
    fn ice_032_only_one_label_and_local_is_asked_for_by_multicast() {
        for name in ["a.local", "A.LOCAL", "a.local."] {
            assert!(is_local_name(name), "{name}");
        }
        for name in [
            "",
            "local",
            ".local",
            "a.b.local",
            "a.example",
            "a.local.example",
        ] {
            assert!(!is_local_name(name), "{name}");
        }
    }
}

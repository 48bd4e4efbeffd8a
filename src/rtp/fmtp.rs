//! Do two ends mean the same format, by the parameters in their descriptions?

use alloc::format;
use alloc::string::{String, ToString};
use core::iter;
use core::str::FromStr;

use thiserror::Error;

use crate::wire::sdp::cut;

/// The parameters of a format, as `a=fmtp` has them: `key=value;key=value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Parameters<'a>(pub &'a str);

impl<'a> Parameters<'a> {
    /// All, in the order of the line; one without `=` has an empty value.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = Some(self.0);
        let parts = iter::from_fn(move || {
            let (part, more) = cut(rest?, b';');
            rest = more;
            Some(part.trim_ascii())
        });
        parts.filter(|part| !part.is_empty()).map(|part| {
            let (key, value) = cut(part, b'=');
            (key.trim_ascii(), value.unwrap_or_default().trim_ascii())
        })
    }

    /// The value of a parameter; names are compared without case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The number that a parameter says, or `default` if it says none.
    fn number(&self, name: &str, default: u8) -> Option<u8> {
        self.get(name)
            .map_or(Some(default), |value| value.parse().ok())
    }
}

/// A format whose parameters decide whether two ends mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// H.264: profile and packetization mode (RFC 6184 §8.2.2).
    H264,
    /// H.265: profile, tier and transmission mode (RFC 7798 §7.2.2).
    H265,
    /// VP9: profile (RFC 9628 §7).
    Vp9,
    /// AV1: profile and tier (AV1 RTP specification, 7.2).
    Av1,
    /// Any other: no parameter makes it another format.
    Other,
}

impl Codec {
    /// The format with this name, as `a=rtpmap` has it.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let known = [
            ("H264", Self::H264),
            ("H265", Self::H265),
            ("VP9", Self::Vp9),
            ("AV1", Self::Av1),
        ];
        let found = known
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(Self::Other, |(_, codec)| *codec)
    }

    /// Whether both parameters are of one format. Levels may differ: each end
    /// says what it can receive. Parameters that cannot be read match nothing.
    #[must_use]
    pub fn matches(self, ours: Parameters<'_>, theirs: Parameters<'_>) -> bool {
        let same = |name, default| {
            let ours = ours.number(name, default);
            ours.is_some() && ours == theirs.number(name, default)
        };
        match self {
            Self::H264 => {
                let profile = |parameters: Parameters<'_>| match parameters.get("profile-level-id")
                {
                    None => Some(H264Profile::Baseline),
                    Some(id) => id.parse::<ProfileLevelId>().ok().map(|id| id.profile),
                };
                let ours = profile(ours);
                same("packetization-mode", 0) && ours.is_some() && ours == profile(theirs)
            }
            // RFC 7798 §7.1: main profile, main tier, in one RTP stream.
            Self::H265 => {
                let mode = |parameters: Parameters<'_>| match parameters.get("tx-mode") {
                    None => true,
                    Some(mode) => mode.eq_ignore_ascii_case("SRST"),
                };
                same("profile-id", 1) && same("tier-flag", 0) && mode(ours) == mode(theirs)
            }
            Self::Vp9 => same("profile-id", 0),
            Self::Av1 => same("profile", 0) && same("tier", 0),
            Self::Other => true,
        }
    }
}

impl Codec {
    /// The level that the parameters say, by the codec's own count; 0 if it has none.
    #[must_use]
    pub fn level(self, parameters: Parameters<'_>) -> u8 {
        let level = match self {
            Self::H264 => parameters
                .get("profile-level-id")
                .and_then(|id| Some(id.parse::<ProfileLevelId>().ok()?.level)),
            Self::H265 => parameters.number(LEVEL, DEFAULT_LEVEL),
            Self::Av1 => parameters.number("level-idx", 5),
            Self::Vp9 | Self::Other => None,
        };
        level.unwrap_or_default()
    }

    /// What we say when we are offered `theirs`: what we have, in H.265 up to their
    /// level, since there is one for both ways (RFC 7798 §7.2.2).
    #[must_use]
    pub fn answered(self, ours: Parameters<'_>, theirs: Parameters<'_>) -> String {
        let level = |parameters: Parameters<'_>| parameters.number(LEVEL, DEFAULT_LEVEL);
        match (self, level(ours), level(theirs)) {
            (Self::H265, Some(our), Some(their)) if their < our => {
                let others = ours
                    .iter()
                    .filter(|(key, _)| !key.eq_ignore_ascii_case(LEVEL));
                let others = others.map(|(key, value)| format!("{key}={value};"));
                others.chain([format!("{LEVEL}={their}")]).collect()
            }
            _ => ours.0.to_string(),
        }
    }
}

/// What says the level in H.265.
const LEVEL: &str = "level-id";

/// RFC 7798 §7.1: level 3.1 if nothing is said.
const DEFAULT_LEVEL: u8 = 93;

/// Which tools of H.264 a stream may use (RFC 6184 §8.1, table 5)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum H264Profile {
    /// Baseline.
    Baseline,
    /// Baseline without what main lacks.
    ConstrainedBaseline,
    /// Main.
    Main,
    /// Extended.
    Extended,
    /// High.
    High,
    /// High without interlacing and B slices.
    ConstrainedHigh,
    /// High, and no compression of pictures by each other, or other rare ones:
    /// the number and the constraints as they are.
    Other(u8, u8),
}

/// What a stream of H.264 needs of its decoder: `profile-level-id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileLevelId {
    /// Which tools.
    pub profile: H264Profile,
    /// How much, in tenths of a level: 31 is level 3.1. Level 1b is 9, which no
    /// other has.
    pub level: u8,
}

/// Not six hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a profile-level-id")]
pub struct NotAProfile;

impl FromStr for ProfileLevelId {
    type Err = NotAProfile;

    fn from_str(text: &str) -> Result<Self, NotAProfile> {
        let is_hex = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u32::from_str_radix(text, 16).ok().filter(|_| is_hex);
        let [_, idc, iop, level] = id.ok_or(NotAProfile)?.to_be_bytes();
        let set = |bit: u8| iop & bit != 0;
        let profile = match idc {
            0x42 if set(0x40) => H264Profile::ConstrainedBaseline,
            0x4d if set(0x80) => H264Profile::ConstrainedBaseline,
            0x58 if set(0x80) && set(0x40) => H264Profile::ConstrainedBaseline,
            0x42 => H264Profile::Baseline,
            0x58 if set(0x80) => H264Profile::Baseline,
            0x4d => H264Profile::Main,
            0x58 => H264Profile::Extended,
            0x64 if iop == 0x0c => H264Profile::ConstrainedHigh,
            0x64 if iop == 0 => H264Profile::High,
            _ => H264Profile::Other(idc, iop),
        };
        // H.264, table A-1: constraint 3 makes 1.1 into 1b in the older profiles.
        let is_1b = level == 11 && set(0x10) && matches!(idc, 0x42 | 0x4d | 0x58);
        let level = if is_1b { 9 } else { level };
        Ok(Self { profile, level })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_whatever_their_case_and_spaces() {
        let parameters = Parameters(" minptime=10; useInbandFEC = 1 ;;stereo");
        assert_eq!(parameters.get("useinbandfec"), Some("1"));
        assert_eq!(parameters.get("stereo"), Some(""));
        assert_eq!(parameters.get("cbr"), None);
        assert_eq!(parameters.iter().count(), 3);
    }

    #[test]
    fn profiles_of_h264_are_told_apart() {
        let read = |text: &str| text.parse::<ProfileLevelId>();
        let id = |profile, level| Ok(ProfileLevelId { profile, level });
        assert_eq!(read("42e01f"), id(H264Profile::ConstrainedBaseline, 31));
        assert_eq!(read("42C00b"), id(H264Profile::ConstrainedBaseline, 11));
        assert_eq!(read("42f00b"), id(H264Profile::ConstrainedBaseline, 9));
        assert_eq!(read("42001f"), id(H264Profile::Baseline, 31));
        assert_eq!(read("4d001f"), id(H264Profile::Main, 31));
        assert_eq!(read("640c34"), id(H264Profile::ConstrainedHigh, 52));
        assert_eq!(read("640034"), id(H264Profile::High, 52));
        for bad in ["", "42e01", "42e01f0", "42e01g", "+2e01f", "42e0é"] {
            assert_eq!(read(bad), Err(NotAProfile), "{bad}");
        }
    }

    #[test]
    fn formats_match_by_what_makes_them_another() {
        let matches = |codec: &str, ours, theirs| {
            Codec::of_name(codec).matches(Parameters(ours), Parameters(theirs))
        };
        let ours = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
        assert!(matches(
            "h264",
            ours,
            "packetization-mode=1;profile-level-id=42e034"
        ));
        assert!(!matches(
            "H264",
            ours,
            "packetization-mode=0;profile-level-id=42e01f"
        ));
        assert!(!matches(
            "H264",
            ours,
            "packetization-mode=1;profile-level-id=64001f"
        ));
        assert!(!matches(
            "H264",
            "profile-level-id=nonsense",
            "profile-level-id=nonsense"
        ));
        assert!(matches("VP9", "", "profile-id=0"));
        assert!(!matches("VP9", "profile-id=2", "profile-id=0"));
        assert!(!matches("VP9", "profile-id=x", "profile-id=x"));
        assert!(matches("AV1", "level-idx=5;profile=0;tier=0", ""));
        assert!(!matches("AV1", "tier=1", "level-idx=5"));
        assert!(matches(
            "H265",
            "profile-id=1;tier-flag=0;level-id=93;tx-mode=SRST",
            ""
        ));
        assert!(!matches("H265", "tx-mode=MRST", ""));
        assert!(matches("opus", "minptime=10", "stereo=1"));
    }
}

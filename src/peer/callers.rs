//! Streams that were accepted, until it is known which link they are for.

use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use crate::net::Path;
use crate::time::Instant;

/// Who has connected to us, and has not yet said whom it wants: its first check does.
#[derive(Debug, Default)]
pub(super) struct Callers(Vec<Caller>);

#[derive(Debug)]
struct Caller {
    path: Path,
    /// How long it may be silent.
    until: Instant,
    /// What it has said: less than a frame.
    bytes: Vec<u8>,
}

/// What has a caller said?
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is not here.
    Unknown,
    /// Not enough.
    Little,
    /// What cannot be a check.
    Nonsense,
    /// These bytes, which begin with a whole frame.
    Enough(Vec<u8>),
}

impl Callers {
    /// Gives back who has to go to make room: the one that has been silent longest.
    pub(super) fn add(&mut self, now: Instant, path: Path) -> Option<Path> {
        let is_full = self.0.len() >= MAX_CALLERS;
        let oldest = is_full.then(|| self.0.remove(0).path);
        self.0.push(Caller {
            path,
            until: now + PATIENCE,
            bytes: Vec::new(),
        });
        oldest
    }

    /// Takes what came over a stream. Who has said enough is not here any more.
    pub(super) fn hear(&mut self, path: Path, bytes: &[u8]) -> Said {
        let Some(place) = self.0.iter().position(|caller| caller.path == path) else {
            return Said::Unknown;
        };
        let Some(caller) = self.0.get_mut(place) else {
            return Said::Unknown;
        };
        caller.bytes.extend_from_slice(bytes);
        let said = match frame(&caller.bytes) {
            Ok(None) => return Said::Little,
            Ok(Some(_)) => Said::Enough(mem::take(&mut caller.bytes)),
            Err(TooLong) => Said::Nonsense,
        };
        self.0.remove(place);
        said
    }

    /// The stream has ended. Whether it was here.
    pub(super) fn remove(&mut self, path: Path) -> bool {
        let before = self.0.len();
        self.0.retain(|caller| caller.path != path);
        self.0.len() < before
    }

    /// Who has been silent for too long.
    pub(super) fn late(&mut self, now: Instant) -> impl Iterator<Item = Path> {
        let late = self.0.extract_if(.., move |caller| caller.until <= now);
        late.map(|caller| caller.path)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().map(|caller| caller.until).min()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// It is none that begins with a check.
pub(super) struct TooLong;

/// The first frame (RFC 4571 §2), once it is whole.
pub(super) fn frame(bytes: &[u8]) -> Result<Option<&[u8]>, TooLong> {
    let Some((len, rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let len = usize::from(u16::from_be_bytes(*len));
    if len > MAX_CHECK {
        return Err(TooLong);
    }
    Ok(rest.get(..len))
}

/// How many there may be; those that came first give way.
const MAX_CALLERS: usize = 16;

/// How long a caller may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a check may be.
const MAX_CHECK: usize = 1024;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::net::Protocol;

    fn path(port: u16) -> Path {
        Path {
            local: "192.0.2.1:9".parse().unwrap(),
            remote: core::net::SocketAddr::new("198.51.100.7".parse().unwrap(), port),
            protocol: Protocol::Tcp,
        }
    }

    #[test]
    fn a_caller_is_heard_until_its_first_frame_is_whole() {
        let mut callers = Callers::default();
        assert_eq!(callers.hear(path(1), &[0, 1, 7]), Said::Unknown);
        assert_eq!(callers.add(Instant::ZERO, path(1)), None);
        assert_eq!(callers.hear(path(1), &[0]), Said::Little);
        assert_eq!(callers.hear(path(1), &[2, 7]), Said::Little);
        let all = vec![0, 2, 7, 8, 9];
        assert_eq!(callers.hear(path(1), &[8, 9]), Said::Enough(all));
        assert!(callers.is_empty());
        callers.add(Instant::ZERO, path(2));
        assert_eq!(callers.hear(path(2), &[5, 0]), Said::Nonsense);
        assert!(callers.is_empty());
    }

    #[test]
    fn silent_callers_neither_pile_up_nor_stay() {
        let mut callers = Callers::default();
        for port in 0..40 {
            let gone = callers.add(Instant::ZERO, path(port));
            let oldest = port.checked_sub(u16::try_from(MAX_CALLERS).unwrap());
            assert_eq!(gone, oldest.map(path));
        }
        assert_eq!(callers.0.len(), MAX_CALLERS);
        assert!(callers.remove(path(39)) && !callers.remove(path(39)));
        assert_eq!(callers.deadline(), Some(Instant::ZERO + PATIENCE));
        assert_eq!(callers.late(Instant::ZERO).count(), 0);
        assert_eq!(
            callers.late(Instant::ZERO + PATIENCE).count(),
            MAX_CALLERS - 1
        );
        assert_eq!(callers.deadline(), None);
    }
}

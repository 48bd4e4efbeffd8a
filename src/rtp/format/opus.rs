//! Opus (RFC 7587), and what else is one frame in one packet: G.711 and G.722
//! (RFC 3551 §4.5) need nothing from this module but their bytes.

use core::time::Duration;

use crate::cursor::Malformed;

/// How long is the sound of an Opus packet (RFC 6716 §3.1, §3.2)?
///
/// # Errors
///
/// [`Malformed`] if it is empty, cut, or longer than 120 ms.
pub fn duration(packet: &[u8]) -> Result<Duration, Malformed> {
    const FIELD: &str = "Opus packet";
    let (&toc, rest) = packet.split_first().ok_or(Malformed(FIELD))?;
    let frames: u32 = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => rest
            .first()
            .map(|byte| u32::from(byte & 0x3f))
            .ok_or(Malformed(FIELD))?,
    };
    let micros = match toc >> 3 {
        config @ 0..=11 => [10_000, 20_000, 40_000, 60_000][usize::from(config & 3)],
        config @ 12..=15 => [10_000, 20_000][usize::from(config & 1)],
        config => [2_500, 5_000, 10_000, 20_000][usize::from(config & 3)],
    };
    let all = frames * micros;
    if (1..=120_000).contains(&all) {
        Ok(Duration::from_micros(all.into()))
    } else {
        Err(Malformed(FIELD))
    }
}

/// How many ticks of a clock lie in a time: what the timestamp grows by.
///
/// G.722 counts 8,000 a second though it has 16,000 samples (RFC 3551 §4.5.2).
#[must_use]
pub fn ticks(duration: Duration, clock_rate: u32) -> u32 {
    let ticks = duration.as_micros() * u128::from(clock_rate) / 1_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

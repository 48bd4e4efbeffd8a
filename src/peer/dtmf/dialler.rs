//! The machine that presses keys.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::rtp::format::telephone_event::TelephoneEvent;
use crate::time::Instant;

/// Plays the tones of one sender, one after the other (W3C webrtc-pc §7.2), as reports
/// of telephone events (RFC 4733 §2.5).
#[derive(Debug)]
pub(super) struct Dialler {
    tones: VecDeque<char>,
    /// How long the next tones last.
    duration: Duration,
    /// How long nothing is heard behind them.
    gap: Duration,
    phase: Phase,
    /// When there is something to do.
    due: Instant,
    /// Ticks of the sender's clock in a second.
    clock_rate: u32,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The next tone begins, or all is over.
    Between,
    Playing(Tone),
    /// The last report is said so many times more, and then the next tone waits.
    Ending {
        report: Report,
        repeats: u8,
        next: Instant,
    },
    Over,
}

/// A tone that is heard.
#[derive(Clone, Copy, Debug)]
struct Tone {
    event: u8,
    began: Instant,
    ends: Instant,
    /// When the next one may begin.
    next: Instant,
    /// Where the part of it that is reported begins, in ticks (RFC 4733 §2.5.1.3).
    segment: u32,
    is_reported: bool,
}

/// What a packet says of a tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) event: TelephoneEvent,
    /// When it began, by a clock of its own.
    pub(super) timestamp: u32,
    /// Whether it is the first of its tone.
    pub(super) is_first: bool,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A tone begins; `None`: no more will.
    Tone(Option<char>),
    /// This is to be sent.
    Report(Report),
}

impl Dialler {
    pub(super) const fn new(clock_rate: u32) -> Self {
        Self {
            tones: VecDeque::new(),
            duration: MIN_DURATION,
            gap: MIN_GAP,
            phase: Phase::Over,
            due: Instant::ZERO,
            clock_rate,
        }
    }

    /// Takes other tones in place of those that have not begun.
    pub(super) fn insert(&mut self, now: Instant, tones: &str, duration: Duration, gap: Duration) {
        self.tones = tones
            .chars()
            .map(|tone| tone.to_ascii_uppercase())
            .collect();
        self.duration = duration.clamp(MIN_DURATION, LONGEST);
        self.gap = gap.clamp(MIN_GAP, LONGEST);
        if self.is_over() && !self.tones.is_empty() {
            self.phase = Phase::Between;
            self.due = now;
        }
    }

    /// The tones that have not begun.
    pub(super) fn tones(&self) -> impl Iterator<Item = char> {
        self.tones.iter().copied()
    }

    /// Whether a tone is heard: nothing else is then.
    pub(super) const fn is_heard(&self) -> bool {
        matches!(self.phase, Phase::Playing(_) | Phase::Ending { .. })
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Over => None,
            _ => Some(self.due),
        }
    }

    /// The next thing that is due.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Step> {
        while self.due <= now {
            match self.phase {
                Phase::Over => return None,
                Phase::Between => return Some(Step::Tone(self.begin(now))),
                Phase::Playing(tone) => return Some(Step::Report(self.report(now, tone))),
                Phase::Ending {
                    repeats: 0, next, ..
                } => {
                    self.phase = Phase::Between;
                    self.due = next;
                }
                Phase::Ending {
                    report,
                    repeats,
                    next,
                } => {
                    self.phase = Phase::Ending {
                        report,
                        repeats: repeats - 1,
                        next,
                    };
                    self.due = now + REPEAT;
                    return Some(Step::Report(report));
                }
            }
        }
        None
    }

    fn begin(&mut self, now: Instant) -> Option<char> {
        let Some(tone) = self.tones.pop_front() else {
            self.phase = Phase::Over;
            return None;
        };
        match TelephoneEvent::of_key(tone) {
            Some(event) => {
                let ends = now + self.duration;
                self.phase = Phase::Playing(Tone {
                    event,
                    began: now,
                    ends,
                    next: ends + self.gap,
                    segment: 0,
                    is_reported: false,
                });
                // A report of nothing would be none (RFC 4733 §2.3.5).
                self.due = ends.min(now + UPDATE);
            }
            None => self.due = now + PAUSE,
        }
        Some(tone)
    }

    fn report(&mut self, now: Instant, mut tone: Tone) -> Report {
        let until = now.min(tone.ends);
        let lasted = self.ticks(until.since(tone.began)) - tone.segment;
        // RFC 4733 §2.5.1.3: what is longer than can be said is reported in parts.
        let is_whole = lasted <= MAX_TICKS;
        let is_end = is_whole && until == tone.ends;
        let report = Report {
            event: TelephoneEvent {
                event: tone.event,
                is_end,
                volume: VOLUME,
                duration: u16::try_from(lasted).unwrap_or(u16::MAX),
            },
            timestamp: self
                .ticks(tone.began.since(Instant::ZERO))
                .wrapping_add(tone.segment),
            is_first: !tone.is_reported,
        };
        tone.is_reported = true;
        if is_end {
            self.phase = Phase::Ending {
                report: Report {
                    is_first: false,
                    ..report
                },
                repeats: REPEATS,
                next: tone.next,
            };
            self.due = now + REPEAT;
            return report;
        }
        if is_whole {
            self.due = tone.ends.min(now + UPDATE);
        } else {
            tone.segment += MAX_TICKS;
        }
        self.phase = Phase::Playing(tone);
        report
    }

    /// How many ticks a time has; wraps, as timestamps do.
    fn ticks(&self, time: Duration) -> u32 {
        let ticks = time.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or_default()
    }
}

/// How short a tone may be, and a gap, and how long both (W3C §7.2).
const MIN_DURATION: Duration = Duration::from_millis(40);
const MIN_GAP: Duration = Duration::from_millis(30);
const LONGEST: Duration = Duration::from_millis(6_000);

/// How long a comma is (W3C §7.2).
const PAUSE: Duration = Duration::from_secs(2);

/// How often a tone is reported: as often as sound mostly is (RFC 4733 §2.5.1.2).
const UPDATE: Duration = Duration::from_millis(20);

/// How often the last report is said again (RFC 4733 §2.5.1.4): so that it fits into
/// the shortest gap.
const REPEATS: u8 = 2;
const REPEAT: Duration = Duration::from_millis(10);

/// How long the part of a tone may be that a report speaks of.
const MAX_TICKS: u32 = 0xffff;

/// How far below the loudest, in decibels: what telephones do (RFC 4733 §2.3.4).
const VOLUME: u8 = 10;

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    const RATE: u32 = 48_000;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn dialler(tones: &str, duration: u64, gap: u64) -> Dialler {
        let mut dialler = Dialler::new(RATE);
        let [duration, gap] = [duration, gap].map(Duration::from_millis);
        dialler.insert(at(1_000), tones, duration, gap);
        dialler
    }

    /// All that happens, each with its time, woken in time.
    fn story(dialler: &mut Dialler) -> Vec<(u64, Step)> {
        let mut story = Vec::new();
        while let Some(now) = dialler.poll_timeout() {
            let before = story.len();
            while let Some(step) = dialler.poll(now) {
                story.push((now.as_millis(), step));
            }
            assert!(dialler.poll_timeout().is_none_or(|next| next > now));
            assert!(story.len() - before <= 7, "bounded");
        }
        story
    }

    fn tones(story: &[(u64, Step)]) -> Vec<(u64, Option<char>)> {
        let tones = story.iter().filter_map(|(at, step)| match step {
            Step::Tone(tone) => Some((*at, *tone)),
            Step::Report(_) => None,
        });
        tones.collect()
    }

    fn reports(story: &[(u64, Step)]) -> Vec<(u64, Report)> {
        let reports = story.iter().filter_map(|(at, step)| match step {
            Step::Report(report) => Some((*at, *report)),
            Step::Tone(_) => None,
        });
        reports.collect()
    }

    /// RFC 4733 §2.5.1: one timestamp, growing durations, the first marked, the last
    /// said three times.
    #[test]
    fn a_tone_is_reported_while_it_lasts() {
        let story = story(&mut dialler("5", 100, 70));
        assert_eq!(tones(&story), [(1_000, Some('5')), (1_170, None)]);
        let reports = reports(&story);
        let times: Vec<u64> = reports.iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [1_020, 1_040, 1_060, 1_080, 1_100, 1_110, 1_120]);
        for (place, (at, report)) in reports.iter().enumerate() {
            let lasted = (at - 1_000).min(100) * 48;
            assert_eq!(u64::from(report.event.duration), lasted);
            assert_eq!(report.timestamp, 48_000);
            assert_eq!(report.event.key(), Some('5'));
            assert_eq!(report.is_first, place == 0);
            assert_eq!(report.event.is_end, place >= 4);
        }
    }

    #[test]
    fn tones_follow_each_other_and_a_comma_waits() {
        let story = story(&mut dialler("1,a", 0, 0));
        let expected = [
            (1_000, Some('1')),
            (1_070, Some(',')),
            (3_070, Some('A')),
            (3_140, None),
        ];
        assert_eq!(tones(&story), expected, "40 ms and 30 ms at least");
        let times: Vec<u64> = reports(&story).iter().map(|(at, _)| *at).collect();
        let after = |first: u64| [20, 40, 50, 60].map(|passed| first + passed);
        assert_eq!(times, [after(1_000), after(3_070)].concat());
    }

    /// RFC 4733 §2.5.1.3, and six seconds at most.
    #[test]
    fn a_long_tone_is_reported_in_parts() {
        let story = story(&mut dialler("0", 60_000, 60_000));
        assert_eq!(tones(&story), [(1_000, Some('0')), (13_000, None)]);
        let reports = reports(&story);
        let mut parts: Vec<u32> = reports.iter().map(|(_, one)| one.timestamp).collect();
        parts.dedup();
        assert_eq!(parts, [0, 1, 2, 3, 4].map(|part| 48_000 + part * 0xffff));
        let full = reports
            .iter()
            .filter(|(_, one)| one.event.duration == 0xffff);
        assert!(full.clone().all(|(_, one)| !one.event.is_end));
        assert_eq!(full.count(), 4);
        assert_eq!(reports.iter().filter(|(_, one)| one.is_first).count(), 1);
        let last = reports.last().unwrap().1.event;
        assert!(last.is_end);
        assert_eq!(u32::from(last.duration) + 4 * 0xffff, 6 * 48_000);
    }

    #[test]
    fn other_tones_replace_those_that_wait() {
        let mut dialler = dialler("123", 100, 70);
        assert_eq!(dialler.poll(at(1_000)), Some(Step::Tone(Some('1'))));
        assert!(dialler.is_heard());
        let second = Duration::from_secs(1);
        dialler.insert(at(1_050), "9", second, second);
        assert_eq!(dialler.tones().collect::<String>(), "9");
        // What is heard is heard to its end, as long as it was to be.
        let told = tones(&story(&mut dialler));
        assert_eq!(told, [(1_170, Some('9')), (3_170, None)]);
        dialler.insert(at(4_000), "", second, second);
        assert_eq!(dialler.poll_timeout(), None);
    }

    #[test]
    fn nothing_is_made_up_for_by_who_wakes_late() {
        let mut dialler = dialler("12", 100, 70);
        dialler.poll(at(1_000)).unwrap();
        let late = at(60_000);
        let Some(Step::Report(report)) = dialler.poll(late) else {
            panic!("it has ended");
        };
        assert!(report.is_first && report.event.is_end);
        assert_eq!(report.event.duration, 4_800);
        assert_eq!(dialler.poll(late), None);
        assert!(dialler.poll_timeout() > Some(late));
    }
}

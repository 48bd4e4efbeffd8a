//! What the two applications do.

use std::time::Duration;

use pollrtc::peer::{Direction, Kind};

use super::dice::Dice;

/// One of the sides does something, and then time passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) side: usize,
    pub(crate) act: Act,
    pub(crate) pause: Duration,
}

/// The number of a transceiver or channel counts those that are there, in a circle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    AddTrack(Kind),
    AddTransceiver(Kind, Direction),
    RemoveTrack(usize),
    ReplaceTrack(usize, bool),
    SetDirection(usize, Direction),
    /// Other codecs, in another order.
    Prefer(usize, usize),
    Stop(usize),
    OpenChannel {
        ordered: bool,
    },
    CloseChannel(usize),
    Offer(Way),
    RestartIce,
    /// Other servers, another policy, another pool.
    Configure(Setting),
    /// Sends on everything that can be sent on.
    Speak,
    /// Everybody waits until all is settled, and it is checked.
    Rest,
}

/// What of a configuration can change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) servers: Servers,
    /// Only relays may be used, if there is one.
    pub(crate) relayed: bool,
    pub(crate) pool: u8,
}

/// Who is asked for candidates?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Servers {
    Nobody,
    Stun,
    Turn,
    /// One that is not there.
    Dead,
}

/// How does an offer come to be?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Implicit,
    Created,
    /// With the option that restarts ICE.
    Restarting,
    /// Set, and taken back before anybody saw it.
    TakenBack,
    /// Set, and replaced by another before anybody saw it.
    Replaced,
}

/// The steps of a seed; at the end everybody rests.
pub(crate) fn of(seed: u64, count: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    let steps = (0..count).map(|_| Step {
        side: dice.below(2),
        act: act(&mut dice),
        pause: match dice.below(3) {
            0 => Duration::ZERO,
            1 => dice.millis(30),
            _ => dice.millis(200),
        },
    });
    steps.collect()
}

fn act(dice: &mut Dice) -> Act {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let kinds = [Kind::Audio, Kind::Video];
    let directions = [SendRecv, SendOnly, RecvOnly, Inactive];
    let nth = dice.below(1000);
    match dice.below(100) {
        0..12 => Act::AddTrack(dice.of(&kinds)),
        12..20 => Act::AddTransceiver(dice.of(&kinds), dice.of(&directions)),
        20..26 => Act::RemoveTrack(nth),
        26..30 => Act::ReplaceTrack(nth, dice.one_in(2)),
        30..44 => Act::SetDirection(nth, dice.of(&directions)),
        44..52 => Act::Prefer(nth, dice.below(1000)),
        52..60 => Act::Stop(nth),
        60..65 => Act::OpenChannel {
            ordered: dice.one_in(2),
        },
        65..68 => Act::CloseChannel(nth),
        68..82 => Act::Offer(dice.of(&[
            Way::Implicit,
            Way::Created,
            Way::Restarting,
            Way::TakenBack,
            Way::Replaced,
        ])),
        82..86 => Act::RestartIce,
        86..94 => Act::Speak,
        94..97 => Act::Configure(Setting {
            servers: dice.of(&[Servers::Nobody, Servers::Stun, Servers::Turn, Servers::Dead]),
            relayed: dice.one_in(2),
            pool: dice.of(&[0, 1, 2]),
        }),
        _ => Act::Rest,
    }
}

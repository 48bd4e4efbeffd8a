//! What one side should have come to, said in the most naive way: by what the
//! application did, and by which section belongs to what.

use pollrtc::peer::{Codec, Direction, Kind, Transceiver, TransceiverId};

/// A transceiver as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: TransceiverId,
    pub(crate) kind: Kind,
    pub(crate) direction: Direction,
    pub(crate) track: bool,
    /// There was something to send once.
    pub(crate) had_track: bool,
    /// An exchange has let it send once.
    used: bool,
    pub(crate) stopped: bool,
    /// The peer's offer that is pending has made it.
    offered: bool,
    /// Of its section, if there is one.
    pub(crate) mid: Option<String>,
    /// An answer has settled that.
    is_settled: bool,
    /// What the application prefers; nothing for everything.
    preferred: Vec<String>,
    /// What its last description had to say.
    said: Vec<String>,
    /// What it may send since the last exchange, best first.
    pub(crate) sends: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) lines: Vec<Line>,
}

impl Model {
    pub(crate) fn line(&self, id: TransceiverId) -> &Line {
        let found = self.lines.iter().find(|line| line.id == id);
        found.unwrap_or_else(|| panic!("nobody made {id}: {:#?}", self.lines))
    }

    pub(crate) fn line_mut(&mut self, id: TransceiverId) -> &mut Line {
        let found = self.lines.iter_mut().find(|line| line.id == id);
        found.unwrap_or_else(|| panic!("nobody made {id}"))
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.stopped)
    }

    pub(crate) fn add(&mut self, id: TransceiverId, kind: Kind, direction: Direction) {
        assert!(self.lines.iter().all(|line| line.id != id), "{id} twice");
        self.lines.push(Line {
            id,
            kind,
            direction,
            track: false,
            had_track: false,
            used: false,
            stopped: false,
            offered: false,
            mid: None,
            is_settled: false,
            preferred: Vec::new(),
            said: Vec::new(),
            sends: Vec::new(),
        });
    }

    /// W3C webrtc-pc §5.1 `addTrack`: which one is taken, if not a new one.
    pub(crate) fn idle(&self, kind: Kind, listed: &[TransceiverId]) -> Option<TransceiverId> {
        let mut all = self.live().filter(|line| listed.contains(&line.id));
        let idle = all.find(|line| line.kind == kind && !line.track && !line.used);
        idle.map(|line| line.id)
    }

    pub(crate) fn add_track(&mut self, id: TransceiverId) {
        let line = self.line_mut(id);
        line.track = true;
        line.had_track = true;
        line.direction = with_sending(line.direction, true);
    }

    pub(crate) fn remove_track(&mut self, id: TransceiverId) {
        let line = self.line_mut(id);
        if !line.stopped && std::mem::take(&mut line.track) {
            line.direction = with_sending(line.direction, false);
        }
    }

    pub(crate) fn replace_track(&mut self, id: TransceiverId, track: bool) {
        let line = self.line_mut(id);
        line.track = track;
        line.had_track |= track;
    }

    pub(crate) fn prefer(&mut self, id: TransceiverId, codecs: &[Codec]) {
        self.line_mut(id).preferred = codecs.iter().filter_map(format).collect();
    }

    /// What a description that is created now says of codecs.
    pub(crate) fn say(&mut self, all: [&[Codec]; 2]) {
        for line in &mut self.lines {
            line.said = match line.preferred.as_slice() {
                [] => {
                    let all = all[usize::from(line.kind == Kind::Video)];
                    all.iter().filter_map(format).collect()
                }
                preferred => preferred.to_vec(),
            };
        }
    }

    /// The peer's offer has made transceivers that only receive.
    pub(crate) fn hear<'a>(&mut self, all: impl Iterator<Item = &'a Transceiver>) {
        for one in all {
            if self.lines.iter().all(|line| line.id != one.id()) {
                self.add(one.id(), one.kind(), Direction::RecvOnly);
                self.line_mut(one.id()).offered = true;
            }
        }
    }

    /// An offer, of either side, gives names to sections.
    pub(crate) fn name<'a>(&mut self, all: impl Iterator<Item = &'a Transceiver>) {
        for one in all {
            let line = self.line_mut(one.id());
            if let Some(mid) = one.mid() {
                line.mid = Some(mid.to_string());
            }
        }
    }

    /// What was offered is taken back: sections that were never agreed on are nobody's.
    pub(crate) fn roll_back(&mut self) {
        self.lines.retain(|line| !line.offered || line.had_track);
        for line in &mut self.lines {
            line.offered = false;
            if !line.is_settled {
                line.mid = None;
            }
        }
    }

    /// What an answer, final or not, has settled.
    pub(crate) fn settle<'a>(&mut self, all: impl Iterator<Item = &'a Transceiver> + Clone) {
        for line in &mut self.lines {
            line.offered = false;
            let listed = all.clone().find(|one| one.id() == line.id);
            // One that is not there any more was rejected.
            line.is_settled |= listed.is_none_or(|one| one.mid().is_some());
            let current = listed.and_then(Transceiver::current_direction);
            line.used |= current.is_some_and(Direction::sends);
        }
    }
}

/// Both descriptions of an exchange are made: who may send what, in the order of who
/// receives it? The one who answers keeps the order of the offer if it has none.
pub(crate) fn agree_on_codecs(offerer: &mut Model, answerer: &mut Model, names: &Names) {
    for (offering, answering) in names {
        let ours = offerer.line_mut(*offering);
        let theirs = answerer.line_mut(*answering);
        let offered = ours.said.clone();
        let in_offer: Vec<String> = offered
            .into_iter()
            .filter(|codec| theirs.said.contains(codec))
            .collect();
        ours.sends = if theirs.preferred.is_empty() {
            in_offer.clone()
        } else {
            let preferred = theirs.said.iter();
            preferred
                .filter(|codec| in_offer.contains(codec))
                .cloned()
                .collect()
        };
        theirs.sends = in_offer;
    }
}

/// Who belongs to whom: the offerer's transceiver, and the answerer's.
pub(crate) type Names = Vec<(TransceiverId, TransceiverId)>;

/// A format of media; nothing if it only serves others.
pub(crate) fn format(codec: &Codec) -> Option<String> {
    let name = codec.name.to_ascii_lowercase();
    let text = format!("{name}/{} {}", codec.clock_rate, codec.parameters);
    (!codec.is_auxiliary()).then_some(text)
}

fn with_sending(direction: Direction, sends: bool) -> Direction {
    Direction::of(sends, direction.receives())
}

/// What both want of it, as the first sees it.
pub(crate) fn both(ours: Direction, theirs: Direction) -> Direction {
    Direction::of(
        ours.sends() && theirs.receives(),
        ours.receives() && theirs.sends(),
    )
}

//! Another peer takes the place of the one before.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::arrivals::Arrivals;
use super::control::Control;
use super::departures::Departures;
use super::event::Event;
use super::machine::Media;
use crate::time::Instant;

impl Media {
    /// The peer is another one from now on, and so are the keys: its sources are others
    /// even where they have the same numbers, and it has heard nothing of ours.
    ///
    /// Frames that were whole before are still delivered, then the sources of the old
    /// peer end. What was written and not sent is lost, so that pictures have to begin
    /// with a key frame, which is asked for.
    pub fn begin_anew(&mut self, now: Instant) {
        let now = self.tell(now);
        if self.closed {
            return;
        }
        let heard: Vec<_> = self.sources.iter().map(|(place, _)| place).collect();
        for place in heard {
            self.end(now, place);
        }
        self.routes.forget();
        self.lines.begin_anew(&mut self.rng);
        self.control = Control::new(&self.config, self.rng.fork());
        self.arrivals = Arrivals::new(self.config.feedback_interval);
        let unheard = Departures::new(self.config.packet_results);
        let before = mem::replace(&mut self.departures, unheard);
        self.departures.summary = before.summary;
        self.renew(now);
        self.ask_for_key_frames();
    }

    /// The new peer can make nothing of pictures before a key frame.
    fn ask_for_key_frames(&mut self) {
        let ids: Vec<_> = self.lines.iter().map(|(id, _)| id).collect();
        for id in ids {
            let Some(line) = self.lines.get_mut(id) else {
                continue;
            };
            if line.parameters.audio || !line.parameters.sends {
                continue;
            }
            let mut rids = Vec::new();
            for encoding in line.encodings.iter_mut().filter(|one| one.active) {
                if !mem::replace(&mut encoding.asked, true) {
                    rids.push(Arc::clone(&encoding.rid));
                }
            }
            for rid in rids {
                self.push_event(Event::KeyFrameRequested { line: id, rid });
            }
        }
    }
}
